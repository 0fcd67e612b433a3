"""What an engine needs of whatever starts its replicas: processes of this machine, containers."""

from typing import Protocol

from clipper_sls.adapters.engine.runtime_api import RuntimeApi
from clipper_sls.domain.records import ModelVersion


class RunningReplica(Protocol):
    """A replica that was started, with all that it starts itself."""

    @property
    def pid(self) -> int | None:
        """Its process on this machine, where it has one that can be told."""
        ...

    @property
    def has_ended(self) -> bool: ...

    async def wait(self) -> str:
        """Return when it has ended, with how: `ended with exit code 1`."""
        ...

    def terminate(self) -> None:
        """Ask it to end; no error when it is gone."""
        ...

    def kill(self) -> None:
        """End it, and all that it has left behind; no error when it is gone."""
        ...

    def occupied_bytes(self) -> int:
        """Memory that the engine has to watch; 0 where somebody else does."""
        ...


class Launcher(Protocol):
    """Starts replicas of one model version."""

    async def prepare(self) -> None:
        """Make sure that there is all that a replica needs; slow the first time, quick afterwards.

        Raises InvalidBundleError, EnvironmentBuildError.
        """
        ...

    async def spawn(self, api: RuntimeApi, log_fd: int) -> RunningReplica:
        """Open `api`, start a replica that asks there for work, and let it print to `log_fd`; only after `prepare`.

        Raises OSError, ModelStartError.
        """
        ...


class Launchers(Protocol):
    """Makes the launcher of each model version."""

    async def identified(self, version: ModelVersion) -> ModelVersion:
        """`version` with the digest of its bundle, which is at hand. See `ModelHost.identified`."""
        ...

    def launcher(self, version: ModelVersion) -> Launcher:
        """Of a version that was identified."""
        ...

    def close(self) -> None:
        """Called when every replica has ended."""
        ...
