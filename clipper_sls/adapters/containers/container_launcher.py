"""How replicas are started as containers. Without a network, they reach their Runtime API over a Unix socket."""

import asyncio
import os
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from clipper_sls.adapters.containers.container_engine import ContainerEngine, ContainerPlan
from clipper_sls.adapters.containers.running_container import RunningContainer
from clipper_sls.domain.records import ModelVersion

SOCKET_PLACE = "/run/clipper"
SOCKET_NAME = "api.sock"
LABEL = "clipper-sls.engine"
MODEL_LABEL = "clipper-sls.replica-of"
REGION = "local"
_ORDERS = 4


@dataclass(frozen=True, slots=True)
class ReplicaImage:
    """What a replica of a version is a container of."""

    image: str
    variables: Mapping[str, str]
    mounts: Mapping[Path, str] = field(default_factory=dict)


class ReplicaImages(Protocol):
    """Knows, or makes, the image of each version."""

    async def identified(self, version: ModelVersion) -> ModelVersion:
        """See `ModelHost.identified`."""
        ...

    async def image_for(self, version: ModelVersion) -> ReplicaImage:
        """Raises InvalidBundleError, ImageBuildError, ContainerEngineError and what registries raise."""
        ...


class OpensSocket(Protocol):
    """A Runtime API that is not open yet."""

    async def open_at(self, path: Path) -> None: ...


class ContainerLaunchers:
    """`engine_id` marks the containers, so that those of an engine that was killed are found by the next one."""

    def __init__(
        self, *, engine: ContainerEngine, images: ReplicaImages, network: str, memory_mib: int, engine_id: str
    ) -> None:
        self.engine = engine
        self.images = images
        self.network = network
        self.memory_mib = memory_mib
        self.label = {LABEL: engine_id}
        self.orders = ThreadPoolExecutor(_ORDERS, thread_name_prefix="orders to containers")
        self.sockets = tempfile.TemporaryDirectory(
            prefix="clipper-"
        )  # short: the kernel takes no long names of sockets

    async def open(self) -> None:
        """Remove what an engine on the same state has left. Raises ContainerEngineError."""
        (label,) = (f"{name}={value}" for name, value in self.label.items())
        await asyncio.to_thread(self.engine.remove_containers, label)

    async def identified(self, version: ModelVersion) -> ModelVersion:
        return await self.images.identified(version)

    def launcher(self, version: ModelVersion) -> "ContainerLauncher":
        return ContainerLauncher(self, version)

    def close(self) -> None:
        self.orders.shutdown()
        self.sockets.cleanup()
        self.engine.close()


class ContainerLauncher:
    def __init__(self, launchers: ContainerLaunchers, version: ModelVersion) -> None:
        self._launchers = launchers
        self._version = version
        self._image: ReplicaImage | None = None

    async def prepare(self) -> None:
        """The version's image is there."""
        self._image = await self._launchers.images.image_for(self._version)

    async def spawn(self, api: OpensSocket, log_fd: int) -> RunningContainer:
        """Start a container; `log_fd` stays the caller's. Raises OSError, ContainerEngineError."""
        assert self._image is not None
        launchers, image = self._launchers, self._image
        folder = Path(launchers.sockets.name) / uuid4().hex[:8]
        folder.mkdir(mode=0o755)
        await api.open_at(folder / SOCKET_NAME)
        plan = ContainerPlan(
            image=image.image,
            variables={**self._variables(), **image.variables},
            mounts={**image.mounts, folder: SOCKET_PLACE},
            network=launchers.network,
            memory_mib=launchers.memory_mib,
            user=_user(),
            labels={**launchers.label, MODEL_LABEL: str(self._version.id)},
        )
        container = await asyncio.to_thread(launchers.engine.start, plan)
        return RunningContainer(
            container,
            log_fd=os.dup(log_fd),
            socket_folder=folder,
            memory_mib=launchers.memory_mib,
            orders=launchers.orders,
        )

    def _variables(self) -> dict[str, str]:
        return {
            "CLIPPER_RUNTIME_API_SOCKET": f"{SOCKET_PLACE}/{SOCKET_NAME}",
            "AWS_LAMBDA_FUNCTION_NAME": self._version.id.name,
            "AWS_LAMBDA_FUNCTION_VERSION": self._version.id.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self._launchers.memory_mib),
            "AWS_REGION": REGION,
        }


def _user() -> str | None:
    """Who runs the engine, who can read the bundles; as root nobody, which is what the image says."""
    return f"{os.getuid()}:{os.getgid()}" if os.getuid() else None
