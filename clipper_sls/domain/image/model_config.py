"""The configuration of a model version's image, from that of its base."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clipper_sls.domain.bundle import Manifest
from clipper_sls.domain.image.building import Provenance
from clipper_sls.domain.image.contents import BUNDLE_FOLDER, PACKAGES_FOLDER, RUNTIME_FOLDER, SERVER_FOLDER
from clipper_sls.domain.image.documents import ContainerConfig, HistoryEntry, ImageConfig, RootFilesystem
from clipper_sls.domain.image.platforms import Platform
from clipper_sls.domain.trust import TRUSTED_KEYS_VARIABLE
from clipper_sls.errors import InvalidSettingError

ENTRYPOINT = ("python3", "-m", "clipper_sls.runtime")
"""Found by the base's PATH. Below a Lambda Runtime API it answers that; elsewhere it becomes an HTTP server."""

USER = "65532:65532"
"""Nobody in particular, and not root. Lambda picks a user of its own; everything in the image can be read by all."""

CREATED = "1970-01-01T00:00:00Z"
"""A moment of its own would give every image its own digest."""

PORT = "8080/tcp"
"""Where the server listens, unless CLIPPER_SERVER_PORT says otherwise."""

LABEL_PREFIX = "clipper-sls."
RELEASE_LABEL = f"{LABEL_PREFIX}release"
SIGNER_LABEL = f"{LABEL_PREFIX}signed-by"
REVISION_LABEL = "org.opencontainers.image.revision"
BUNDLE_DIGEST_LABEL = f"{LABEL_PREFIX}bundle-digest"
INPUT_TYPE_LABEL = f"{LABEL_PREFIX}input-type"

WRITABLE = {
    "HOME": "/tmp",  # noqa: S108 - of the container, not of this machine
    "XDG_CACHE_HOME": "/tmp/cache",  # noqa: S108
    "HF_HOME": "/tmp/huggingface",  # noqa: S108
    "TORCH_HOME": "/tmp/torch",  # noqa: S108
    "MPLCONFIGDIR": "/tmp/matplotlib",  # noqa: S108
    "NUMBA_CACHE_DIR": "/tmp/numba",  # noqa: S108
    "JOBLIB_TEMP_FOLDER": "/tmp",  # noqa: S108
}
"""Libraries write into the home folder, or beside their own code. On Lambda all but /tmp is read-only."""

PYTHON = {
    "PYTHONPATH": f"/{RUNTIME_FOLDER}:/{PACKAGES_FOLDER}",
    "CLIPPER_IMAGE_SERVER_PATH": f"/{SERVER_FOLDER}",
    "PYTHONUNBUFFERED": "1",
    "PYTHONSAFEPATH": "1",  # else the working folder could shadow modules
    "PYTHONDONTWRITEBYTECODE": "1",
}


@dataclass(frozen=True, slots=True)
class AddedLayer:
    """A layer of ours: the digest before compression, and what the history says of it."""

    diff_id: str
    comment: str


def model_config(
    base: ImageConfig,
    manifest: Manifest,
    platform: Platform,
    added: Sequence[AddedLayer],
    release: str,
    provenance: Provenance | None = None,
) -> ImageConfig:
    """The base's configuration with ours on top; `release` is the version of clipper-sls that the runtime is of."""
    history = tuple(HistoryEntry(created=CREATED, created_by=layer.comment) for layer in added)
    diff_ids = (*base.rootfs.diff_ids, *(layer.diff_id for layer in added))
    return ImageConfig(
        architecture=platform.architecture,
        os=platform.os,
        variant=base.variant,
        created=CREATED,
        rootfs=RootFilesystem("layers", diff_ids),
        config=_container(base.config, manifest, release, provenance),
        history=(*base.history, *history),
    )


def _container(
    base: ContainerConfig, manifest: Manifest, release: str, provenance: Provenance | None
) -> ContainerConfig:
    trusted = {} if provenance is None else {TRUSTED_KEYS_VARIABLE: provenance.signer}
    bundle = {"CLIPPER_BUNDLE_PATH": f"/{BUNDLE_FOLDER}", "CLIPPER_BUNDLE_DIGEST": manifest.digest}
    return ContainerConfig(
        user=USER,
        env=with_variables(base.env or (), {**WRITABLE, **PYTHON, **bundle, **trusted}),
        entrypoint=ENTRYPOINT,
        exposed_ports={PORT: {}},
        working_dir="/tmp",  # noqa: S108 - the container's
        labels={**(base.labels or {}), **labels(manifest, release, provenance)},
        stop_signal=base.stop_signal,
    )


def with_variables(env: Sequence[str], ours: Mapping[str, str]) -> tuple[str, ...]:
    """`env`, a list of `NAME=VALUE`, with `ours` for those of the same names and after the others."""
    kept = [entry for entry in env if entry.partition("=")[0] not in ours]
    return (*kept, *(f"{name}={value}" for name, value in sorted(ours.items())))


def variables_of(container: ContainerConfig) -> dict[str, str]:
    """The environment variables that a container starts with."""
    return dict(entry.split("=", 1) for entry in container.env or () if "=" in entry)


def labels(manifest: Manifest, release: str, provenance: Provenance | None) -> dict[str, str]:
    """What registries and people can read of the image without pulling it."""
    signed = {} if provenance is None else {SIGNER_LABEL: provenance.signer}
    known = {REVISION_LABEL: provenance.revision} if provenance is not None and provenance.revision else {}
    return {
        "org.opencontainers.image.title": manifest.name,
        "org.opencontainers.image.version": manifest.version,
        BUNDLE_DIGEST_LABEL: manifest.digest,
        f"{LABEL_PREFIX}model": manifest.name,
        f"{LABEL_PREFIX}model-version": manifest.version,
        INPUT_TYPE_LABEL: manifest.input_type,
        f"{LABEL_PREFIX}python": manifest.python,
        RELEASE_LABEL: release,
        **signed,
        **known,
    }


def name_in_engine(manifest: Manifest) -> str:
    """What a container engine calls it."""
    return f"{manifest.name}:{manifest.version}"


def check_base(base: ImageConfig, manifest: Manifest, platform: Platform, name: str) -> None:
    """Raises InvalidSettingError when the model cannot run on `base`, as far as its configuration tells.

    The official Python images name their Python in PYTHON_VERSION; of other bases the replica finds out when it starts.
    """
    if (base.os, base.architecture) != (platform.os, platform.architecture):
        raise InvalidSettingError(f"The base {name} is for {base.os}/{base.architecture}, not for {platform}")
    python = variables_of(base.config).get("PYTHON_VERSION", "")
    minor = ".".join(python.split(".")[:2])
    if minor and manifest.holds_pickle and minor != manifest.python:
        raise InvalidSettingError(
            f"The base {name} has Python {minor}, and the function was pickled by Python {manifest.python}, which no "
            f"other can read. Name a base with Python {manifest.python}: --base python:{manifest.python}-slim"
        )
