"""A Docker engine, as far as running replicas needs one. Every call blocks; none is made in an event loop's thread."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, DockerException
from docker.types import Mount, Ulimit
from requests.exceptions import RequestException

from clipper_sls.image_errors import ContainerEngineError

MIB = 1 << 20
TMP_OPTIONS = "rw,exec,nosuid,nodev,size=512m,mode=1777"
"""As large as AWS Lambda's, and as there libraries may load what they compile."""

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

_ADVICE = "Does `docker version` show a server? DOCKER_HOST says which engine is used"
_NO_IMAGE = frozenset((400, 404))

MAX_PROCESSES = 1024
"""Of one replica, threads among them: AWS Lambda's limit."""


@dataclass(frozen=True, slots=True)
class LocalImage:
    """An image that the engine has."""

    id: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ContainerPlan:
    """A container that can write nothing but /tmp, and that no privilege of its own helps to more."""

    image: str
    variables: Mapping[str, str]
    mounts: Mapping[Path, str]  # folders of this machine, by where they are seen, read-only
    network: str  # "none", or one of the engine's
    memory_mib: int
    user: str | None  # "1000:1000"; None is that of the image
    labels: Mapping[str, str]


class ContainerEngine:
    """`client` is docker-py's. Methods raise ContainerEngineError when the engine does not do what it is asked."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def platform(self) -> str:
        """What its containers run on, "linux/amd64"."""
        with _translated("tell its version"):
            found = str(self._client.version()["Arch"])
        return f"linux/{_ARCHITECTURES.get(found, found)}"

    def image(self, name: str) -> LocalImage | None:
        """None when the engine has none of that name."""
        with _translated(f"look for the image {name}"):
            found = _found(lambda: self._client.images.get(name))
        return None if found is None else LocalImage(found.id, found.labels or {})

    def load(self, archive: Path, name: str) -> LocalImage:
        """Take the one image of an archive, and call it `name` ("repository:tag")."""
        with _translated(f"load the image {name}"):
            with archive.open("rb") as file:
                (found,) = self._client.images.load(file)
            found.tag(*name.split(":"))
            for tag in found.tags:
                if tag != name:
                    self._client.images.remove(tag, noprune=True)
        return LocalImage(found.id, found.labels or {})

    def pull(self, name: str) -> LocalImage | None:
        """None when no registry has it, or lets it be had."""
        with _translated(f"pull the image {name}", "Does its registry answer, and take what `docker login` left?"):
            found = _found(lambda: self._client.images.pull(name))
        return None if found is None else LocalImage(found.id, found.labels or {})

    def start(self, plan: ContainerPlan) -> Any:
        """docker-py's container, which runs."""
        with _translated(f"start a container of {plan.image}"):
            container = self._client.containers.create(
                plan.image,
                environment=dict(plan.variables),
                mounts=[
                    Mount(place, str(folder), type="bind", read_only=True) for folder, place in plan.mounts.items()
                ],
                network_mode=plan.network,
                mem_limit=plan.memory_mib * MIB,
                memswap_limit=plan.memory_mib * MIB,
                ulimits=[Ulimit(name="data", soft=plan.memory_mib * MIB, hard=plan.memory_mib * MIB)],
                pids_limit=MAX_PROCESSES,
                user=plan.user,
                labels=dict(plan.labels),
                read_only=True,
                tmpfs={"/tmp": TMP_OPTIONS},  # noqa: S108 - the container's
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                init=True,
            )
            try:
                container.start()
            except BaseException:
                container.remove(force=True, v=True)
                raise
        return container

    def remove_containers(self, label: str) -> None:
        """End and remove every container with a label, "name=value"."""
        with _translated("remove containers of an engine that has ended"):
            for container in self._client.containers.list(all=True, filters={"label": label}):
                with suppress(APIError):  # it is being removed
                    container.remove(force=True, v=True)

    def close(self) -> None:
        self._client.close()


def connected_engine() -> ContainerEngine:
    """The engine that `docker` speaks to: DOCKER_HOST, else the local one. Raises ContainerEngineError."""
    with _translated("be found"):
        client = docker.from_env()
        try:
            client.ping()
        except BaseException:
            client.close()
            raise
    return ContainerEngine(client)


def _found(look: Callable[[], Any]) -> Any:
    """None for an image that is not there, or is none by its name."""
    try:
        return look()
    except APIError as error:
        if error.status_code in _NO_IMAGE:
            return None
        raise


@contextmanager
def _translated(what: str, advice: str = _ADVICE) -> Iterator[None]:
    try:
        yield
    except (DockerException, RequestException, OSError) as error:
        raise ContainerEngineError(f"The Docker engine could not {what}: {_told(error)}. {advice}") from error


def _told(error: Exception) -> str:
    """What the engine itself said, and not what docker-py makes of it."""
    return str(getattr(error, "explanation", None) or error)
