"""Model versions that this engine runs, and those that run elsewhere, as one host and one invoker."""

from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Protocol

from clipper_sls.domain.identifiers import ModelId, ModelName
from clipper_sls.domain.query import Deadline, PackedRow, RowResult
from clipper_sls.domain.records import ModelVersion, Scaling
from clipper_sls.domain.replicas import PoolStatus
from clipper_sls.ports.model_host import Decide, ModelHost
from clipper_sls.ports.model_invoker import LateOutput, ModelInvoker


class Here(ModelHost, ModelInvoker, Protocol):
    """Runs versions, and asks them."""


class Elsewhere(ModelInvoker, Protocol):
    """Asks versions that have an endpoint; of `ModelHost` what there is to do for these."""

    async def start(self, version: ModelVersion) -> None: ...

    async def stop(self, model: ModelId) -> None: ...

    def pools(self) -> Sequence[PoolStatus]: ...


class PlacedModels:
    """Implements `ModelHost` and `ModelInvoker`: the version says where it runs."""

    def __init__(self, *, here: Here, elsewhere: Elsewhere) -> None:
        self._here = here
        self._elsewhere = elsewhere

    def invoke(
        self,
        version: ModelVersion,
        rows: Sequence[PackedRow],
        deadline: Deadline,
        late: LateOutput | None = None,
        caller: str = "",
    ) -> Awaitable[Sequence[RowResult]]:
        """See `ModelInvoker.invoke`."""
        there = self._here if version.endpoint is None else self._elsewhere
        return there.invoke(version, rows, deadline, late, caller)

    async def identified(self, version: ModelVersion) -> ModelVersion:
        """See `ModelHost.identified`; only what runs here has a bundle."""
        return await self._here.identified(version)

    async def start(self, version: ModelVersion) -> None:
        """See `ModelHost.start`."""
        there = self._here if version.endpoint is None else self._elsewhere
        await there.start(version)

    async def let_answer(self, model: ModelName, decide: Decide) -> None:
        """See `ModelHost.let_answer`."""
        await self._here.let_answer(model, decide)

    async def withdraw(self, model: ModelId) -> None:
        """See `ModelHost.withdraw`."""
        await self._here.withdraw(model)
        await self._elsewhere.stop(model)

    async def resume(self, version: ModelVersion) -> None:
        """See `ModelHost.resume`."""
        if version.endpoint is None:
            await self._here.resume(version)
        else:
            await self._elsewhere.start(version)

    async def scale(self, model: ModelId, scaling: Scaling) -> None:
        """See `ModelHost.scale`."""
        await self._here.scale(model, scaling)

    async def stop(self, model: ModelId) -> None:
        """See `ModelHost.stop`."""
        await self._here.stop(model)
        await self._elsewhere.stop(model)

    def pools(self) -> Sequence[PoolStatus]:
        """See `ModelHost.pools`; first those that run here."""
        return [*self._here.pools(), *self._elsewhere.pools()]

    def log_files(self, model: ModelId | None = None) -> Sequence[Path]:
        """See `ModelHost.log_files`."""
        return self._here.log_files(model)
