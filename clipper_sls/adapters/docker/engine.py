"""A Docker engine, over its API: builds images from contexts, and gives out files of them.

The classic builder of the API, not BuildKit, as docker-py speaks only to the former.
"""

import tarfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, DockerException, NotFound
from requests.exceptions import RequestException

from clipper_sls.adapters.docker.byte_stream import ByteStream
from clipper_sls.image_errors import ContainerEngineError, ImageBuildError

LOG_LINES = 30
CHUNK_BYTES = 1 << 20
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

Tell = Callable[[str], object]
"""Is told what the engine says, line by line."""


@dataclass(frozen=True, slots=True)
class Build:
    """`files` is the context, a tar archive. `network` is one of the engine's; None is the engine's default."""

    files: Iterable[bytes]
    arguments: Mapping[str, str]
    labels: Mapping[str, str]
    tag: str | None
    network: str | None


class DockerEngine:
    """`timeout_s` bounds the silence in an answer, not the whole of it."""

    def __init__(self, client: Any, *, timeout_s: float, tell: Tell) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self._tell = tell

    @property
    def architecture(self) -> str:
        """As images call it, "amd64"."""
        with _translated("tell its version"):
            found = str(self._client.version()["Arch"])
        return ARCHITECTURES.get(found, found)

    def build(self, wanted: Build, what: str) -> str:
        """The id of the image. Raises ImageBuildError with the end of the log, ContainerEngineError."""
        image, log = "", deque[str](maxlen=LOG_LINES)
        with _translated(f"build {what}"):
            for message in self._client.api.build(
                fileobj=wanted.files,
                custom_context=True,
                buildargs=dict(wanted.arguments),
                labels=dict(wanted.labels),
                tag=wanted.tag,
                network_mode=wanted.network,
                rm=True,
                forcerm=True,
                decode=True,
                timeout=self._timeout_s,
            ):
                for line in _lines(message):
                    log.append(line)
                    self._tell(line)
                if "error" in message:
                    raise ImageBuildError(_failed(what, log))
                image = message.get("aux", {}).get("ID", image)
        if not image:
            raise ImageBuildError(_failed(what, log))
        return image

    @contextmanager
    def opened(self, image: str) -> Iterator["OpenedImage"]:
        """An image of the engine, whose files can be had while the block lasts."""
        with _translated(f"open the image {image}"):
            layers = self._client.images.get(image).attrs["RootFS"]["Layers"]
            container = self._client.containers.create(image, network_mode="none")
        try:
            yield OpenedImage(container, tuple(layers))
        finally:
            with _translated("remove a container"):
                container.remove(force=True, v=True)


@dataclass(frozen=True, slots=True)
class OpenedImage:
    """`layers` are digests, lowest first, of what is in them."""

    _container: Any
    layers: tuple[str, ...]

    def copy(self, path: str, folder: Path) -> None:
        """Put what lies below the absolute `path` into `folder`: files and folders.

        No links, as an image that somebody else made could hold some that lead out of it.
        """
        with _translated(f"give out {path}"):
            chunks, _ = self._container.get_archive(path, chunk_size=CHUNK_BYTES)
            with tarfile.open(fileobj=ByteStream(chunks), mode="r|") as tar:
                for member in tar:
                    _, _, member.name = member.name.partition("/")
                    if member.name and (member.isfile() or member.isdir()):
                        tar.extract(member, folder, filter="data")


@contextmanager
def docker_engine(*, timeout_s: float, tell: Tell) -> Iterator[DockerEngine]:
    """The one that `docker` speaks to: DOCKER_HOST, else the local one. Raises ContainerEngineError."""
    with _translated("be found"):
        client = docker.from_env(timeout=timeout_s)
    try:
        yield DockerEngine(client, timeout_s=timeout_s, tell=tell)
    finally:
        client.close()


def _lines(message: Mapping[str, Any]) -> Iterator[str]:
    text = message.get("stream") or message.get("error") or ""
    if not text and "progress" not in message:
        text = " ".join(str(message[key]) for key in ("id", "status") if key in message)
    for line in str(text).splitlines():
        if line.strip():
            yield line.rstrip()


def _failed(what: str, log: Iterable[str]) -> str:
    return f"Docker could not build {what}. The end of its log:\n" + "\n".join(log)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except NotFound as error:
        raise ImageBuildError(f"The Docker engine could not {what}: {error.explanation}") from error
    except (APIError, DockerException, RequestException, OSError) as error:
        raise ContainerEngineError(
            f"The Docker engine could not {what}: {error}. Does `docker version` show a server? DOCKER_HOST says which "
            f"engine is used. Without --docker none is needed"
        ) from error
