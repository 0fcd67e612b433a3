"""What tests of images need: a small base in a registry, wheels without an index, a bundle, and an eye for layers."""

import base64
import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx2
import msgspec

from clipper_sls.adapters.oci.layout import Layout
from clipper_sls.adapters.oci.registries import Registries
from clipper_sls.domain.bundle import MANIFEST_NAME, NOOP_ENTRY, BundledFile, Manifest
from clipper_sls.domain.image import media_types
from clipper_sls.domain.image.building import ImageContext, ServerPart
from clipper_sls.domain.image.digests import Descriptor, PlatformFields, digest_of
from clipper_sls.domain.image.documents import (
    ContainerConfig,
    ImageConfig,
    ImageIndex,
    ImageManifest,
    RootFilesystem,
    descriptor_of,
    from_json,
    manifest_of,
    to_json,
)
from clipper_sls.domain.image.platforms import Platform
from clipper_sls.domain.image.references import Reference
from clipper_sls.packaging.runtime_package import stage_runtime, stage_server

SERVER_PACKAGES = ("tinypackage==1.0",)
BASE_FILE = "etc/base-release"
BASE_VARIABLES = ("PATH=/usr/local/bin:/usr/bin:/bin", "PYTHON_VERSION=3.11.9")


def push_base(reference: Reference, folder: Path, variables: tuple[str, ...] = BASE_VARIABLES) -> None:
    """Put an image with one small file, for every platform, where `reference` says; blobs pass through `folder`."""
    layout = Layout(folder)
    with Registries(docker_config=folder / "none", pause=_never) as registries:
        repository = registries.repository(reference)
        manifests = []
        for platform in Platform:
            content, blobs = _base(platform, variables, layout)
            for blob in blobs:
                repository.push(blob, layout)
            repository.put_manifest(content, media_types.MANIFEST, digest_of(content))
            fields = PlatformFields(architecture=platform.architecture, os=platform.os)
            manifests.append(descriptor_of(content, media_types.MANIFEST, platform=fields))
        index = to_json(ImageIndex(tuple(manifests), 2, media_types.INDEX))
        repository.put_manifest(index, media_types.INDEX, reference.identifier)


def _never(seconds: float) -> None:
    raise AssertionError(f"the registry fails, and {seconds:g} s would be waited")


def _base(platform: Platform, variables: tuple[str, ...], layout: Layout) -> tuple[bytes, list[Descriptor]]:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        content = platform.value.encode()
        member = tarfile.TarInfo(BASE_FILE)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    layer = gzip.compress(archive.getvalue(), mtime=0)
    container = ContainerConfig(env=variables, cmd=("python3",))
    rootfs = RootFilesystem("layers", (digest_of(archive.getvalue()),))
    config = to_json(ImageConfig(platform.architecture, platform.os, rootfs, config=container))
    blobs = [descriptor_of(layer, media_types.LAYER_GZIP), descriptor_of(config, media_types.CONFIG)]
    for blob in (layer, config):
        layout.keep([blob])
    return to_json(manifest_of(blobs[1], blobs[:1])), blobs


def wheel(
    folder: Path,
    files: Mapping[str, bytes],
    name: str = "tinypackage",
    tag: str = "py3-none-any",
    version: str = "1.0",
    needs: Sequence[str] = (),
) -> Path:
    """A wheel in `folder` that needs the requirements `needs`, with a script beside `files`."""
    info = f"{name}-{version}.dist-info"
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    metadata += [f"Requires-Dist: {requirement}" for requirement in needs]
    described = {
        f"{info}/METADATA": "".join(f"{line}\n" for line in metadata).encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
        f"{info}/entry_points.txt": f"[console_scripts]\n{name}-run = {name}:main\n".encode(),
    }
    everything = {**files, **described}
    record = "".join(f"{path},{_record_hash(content)},{len(content)}\n" for path, content in everything.items())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inner, content in {**everything, f"{info}/RECORD": f"{record}{info}/RECORD,,\n".encode()}.items():
            archive.writestr(inner, content)
    return path


def _record_hash(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def only_wheels_in(folder: Path) -> dict[str, str]:
    """Variables with which uv finds the wheels in `folder`, and asks nobody else."""
    index = folder / "empty-index"
    index.mkdir(parents=True)
    return {
        "UV_DEFAULT_INDEX": index.as_uri(),
        "UV_FIND_LINKS": str(folder),
        "UV_CACHE_DIR": str(folder / "cache"),
        "UV_NO_CONFIG": "1",
    }


def bundle_of(folder: Path, files: Mapping[str, bytes], version: str = "1") -> Manifest:
    """A bundle of the no-op model with `files` beside its manifest."""
    listed = {path: BundledFile(hashlib.sha256(content).hexdigest(), len(content)) for path, content in files.items()}
    manifest = Manifest("tiny", version, "doubles", NOOP_ENTRY, "3.11", "3.1.2", files=listed)
    for path, content in {**files, MANIFEST_NAME: manifest.to_json()}.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return manifest


def context_of(
    bundle: Path, manifest: Manifest, base: Reference, packages: tuple[str, ...], scratch: Path
) -> ImageContext:
    return ImageContext(
        bundle=bundle,
        manifest=manifest,
        base=base,
        platform=Platform.AMD64,
        packages=packages,
        constraints=(),
        runtime=stage_runtime(scratch),
        server=ServerPart(SERVER_PACKAGES, stage_server(scratch)),
        release="0.0.test",
    )


class PulledImage:
    """An image as its registry serves it; asks the registry itself, with no code of ours in between."""

    def __init__(self, reference: Reference) -> None:
        self._url = f"http://{reference.registry}/v2/{reference.repository}"
        headers = {"Accept": media_types.MANIFEST}
        response = self._get(f"manifests/{reference.identifier}", headers)
        self.digest = digest_of(response)
        self.manifest = from_json(response, ImageManifest, "it")
        self.config = msgspec.json.decode(self._get(f"blobs/{self.manifest.config.digest}"), type=ImageConfig)

    def _get(self, path: str, headers: Mapping[str, str] | None = None) -> bytes:
        return httpx2.get(f"{self._url}/{path}", headers=headers, trust_env=False).raise_for_status().content

    @property
    def variables(self) -> dict[str, str]:
        return dict(entry.split("=", 1) for entry in self.config.config.env or ())

    def files(self) -> dict[str, bytes]:
        """Regular files of all layers, those of the upper over those of the lower; each layer is verified."""
        found = {}
        for layer, diff_id in zip(self.manifest.layers, self.config.rootfs.diff_ids, strict=True):
            compressed = self._get(f"blobs/{layer.digest}")
            assert (digest_of(compressed), len(compressed)) == (layer.digest, layer.size)
            content = gzip.decompress(compressed)
            assert digest_of(content) == diff_id
            with tarfile.open(fileobj=io.BytesIO(content)) as tar:
                for member in tar:
                    if (file := tar.extractfile(member)) is not None:
                        found[member.name] = file.read()
        return found
