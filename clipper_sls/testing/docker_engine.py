"""A real Docker engine for a test: containers of images, run as a careful operator would, and surely removed.

with docker_engine() as engine:
    image = engine.load(archive)
    with engine.container(image, {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"}) as container:
        ...

The engine is the one that `docker` would speak to (DOCKER_HOST). What is made has a label, by which it is found again.
"""

import gc
import io
import secrets
import tarfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LABEL = "clipper-sls.testing"
MEMORY_LIMIT_MIB = 1024
MIB = 1 << 20
KILLED = 137
"""What a container ends with whose process was killed: 128 and the number of SIGKILL."""

LIMIT_S = 60
_REQUEST_LIMIT_S = 120
_PROBE_LIMIT_S = 5


def docker_answers() -> bool:
    """Whether there is an engine, and the package that speaks to it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # docker 7.2 leaves the socket open that could not connect
        found = _answers()
        gc.collect()
    return found


def _answers() -> bool:
    try:
        import docker
    except ImportError:
        return False
    try:
        with closing(docker.from_env(timeout=_PROBE_LIMIT_S)) as client:
            return bool(client.ping())
    except (docker.errors.DockerException, OSError):  # of the latter kind are those of `requests`
        return False


@dataclass(frozen=True, slots=True)
class ContainerUnderTest:
    """A container that runs, or has ended."""

    _container: Any

    @property
    def log(self) -> str:
        """What it printed so far, to either stream."""
        return str(self._container.logs().decode(errors="replace"))

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        return int(self._container.wait(timeout=LIMIT_S)["StatusCode"])

    def stop(self) -> None:
        """Tell it to end, and wait until it has."""
        self._container.stop(timeout=LIMIT_S)

    @property
    def ended_by(self) -> str:
        """Why it is over, as far as the engine knows: in particular whether its memory limit was the reason."""
        self._container.reload()
        state = self._container.attrs["State"]
        if state["OOMKilled"]:
            limit = self._container.attrs["HostConfig"]["Memory"] // MIB
            return f"killed, as it used more than its {limit} MiB of memory"
        return f"ended with exit code {state['ExitCode']}"

    def run(self, *command: str) -> str:
        """The output of a command in it. Raises AssertionError when that fails."""
        code, output = self._container.exec_run(list(command))
        assert code == 0, output
        return str(output.decode())


class DockerEngineUnderTest:
    """Images and containers of one test, or one module of tests."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.mark = {LABEL: secrets.token_hex(8)}
        self._images: list[str] = []

    def load(self, archive: Path) -> str:
        """A name for the one image in an archive that a builder saved.

        Nobody else has that name: others that use the engine may load the same image, and remove what they named it.
        """
        with archive.open("rb") as file:
            (image,) = self.client.images.load(file)
        name = f"{LABEL}:{self.mark[LABEL]}-{len(self._images)}"
        for other in image.tags:
            if not other.startswith(f"{LABEL}:"):
                self.owned(other)
        image.tag(name)
        return self.owned(name)

    def pull(self, reference: str) -> str:
        """The same name, by digest, of an image that is now in the engine, too."""
        repository, _, digest = reference.partition("@")
        self.client.images.pull(repository, digest)
        return self.owned(reference)

    def owned(self, image: str) -> str:
        """Have `image`, an id or a name, removed at the end, too; what has other names keeps those."""
        self._images.append(image)
        return image

    def derived(self, image: str, changed: Mapping[str, bytes]) -> str:
        """The id of an image on top of `image` in which files, by absolute path, are others."""
        lines = [f"FROM {image}", *(f"COPY {number} {path}" for number, path in enumerate(changed))]
        files = {"Dockerfile": "\n".join(lines).encode(), **{str(n): c for n, c in enumerate(changed.values())}}
        with _context(files) as context:
            built, _ = self.client.images.build(fileobj=context, custom_context=True, rm=True, labels=self.mark)
        return self.owned(built.id)

    @contextmanager
    def container(
        self,
        image: str,
        environment: Mapping[str, str] | None = None,
        *,
        entrypoint: Sequence[str] | None = None,
        mounts: Mapping[Path, str] | None = None,
        network: str = "host",
        memory_mib: int = MEMORY_LIMIT_MIB,
    ) -> Iterator[ContainerUnderTest]:
        """A container that may write to /tmp only and has no privileges; killed and removed at the end.

        `mounts` are files of this machine by where they are to be seen, read-only.
        """
        container = self.client.containers.create(
            image,
            entrypoint=list(entrypoint) if entrypoint is not None else None,
            environment=dict(environment or {}),
            labels=self.mark,
            network_mode=network,
            read_only=True,
            tmpfs={"/tmp": "size=256m,mode=1777"},  # noqa: S108 - the container's
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            init=True,
            mem_limit=memory_mib * MIB,
            memswap_limit=memory_mib * MIB,
            volumes={str(path): {"bind": place, "mode": "ro"} for path, place in (mounts or {}).items()},
        )
        try:
            container.start()
            yield ContainerUnderTest(container)
        finally:
            container.remove(force=True, v=True)

    def clean(self) -> None:
        """Remove all that is left."""
        import docker

        label = f"{LABEL}={self.mark[LABEL]}"
        for container in self.client.containers.list(all=True, filters={"label": label}):
            container.remove(force=True, v=True)
        for image in reversed(self._images):
            with suppress(docker.errors.APIError):  # is not there, or another image is built on it
                self.client.images.remove(image, force=True)
        self.client.images.prune(filters={"dangling": True, "label": label})


@contextmanager
def docker_engine() -> Iterator[DockerEngineUnderTest]:
    """The engine, which must answer; what the block made in it is removed at its end."""
    import docker

    client = docker.from_env(timeout=_REQUEST_LIMIT_S)
    engine = DockerEngineUnderTest(client)
    try:
        yield engine
    finally:
        engine.clean()
        client.close()


@contextmanager
def _context(files: Mapping[str, bytes]) -> Iterator[io.BytesIO]:
    with io.BytesIO() as buffer:
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(content), 0o644
                tar.addfile(member, io.BytesIO(content))
        buffer.seek(0)
        yield buffer
