"""All model versions that run elsewhere."""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress

from clipper_sls.adapters.remote.invocation import no_replica
from clipper_sls.adapters.remote.remote_model import RemoteModel
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.query import Deadline, PackedRow, RowResult
from clipper_sls.domain.records import ModelVersion
from clipper_sls.domain.replicas import PoolStatus
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.metrics import Metrics
from clipper_sls.ports.model_invoker import LateOutput
from clipper_sls.service.watch import Watch

PROBE_INTERVAL_S = 5.0


class RemoteModels:
    """Implements `ModelInvoker` for versions with an endpoint. `clock.now` must run with the event loop's time."""

    def __init__(self, *, clock: Clock, metrics: Metrics, drain_timeout_s: float) -> None:
        self._clock = clock
        self._metrics = metrics
        self._drain_timeout_s = drain_timeout_s
        self._models: dict[ModelId, RemoteModel] = {}
        self._watch = Watch(self._probe, clock=clock, interval_s=PROBE_INTERVAL_S, what="remote models")
        self._first_probes: set[asyncio.Task[None]] = set()

    async def start(self, version: ModelVersion) -> None:
        """From now on `version` is asked, and whether it is ready. It need not be, nor be there at all."""
        if version.id in self._models or version.endpoint is None:
            return
        model = RemoteModel(version, version.endpoint, clock=self._clock, metrics=self._metrics)
        self._models[version.id] = model
        self._watch.begin()
        first = asyncio.create_task(model.probe())
        self._first_probes.add(first)
        first.add_done_callback(self._first_probes.discard)

    async def stop(self, model: ModelId) -> None:
        """Ask no more; what is being asked is still answered."""
        found = self._models.pop(model, None)
        if found is not None:
            await found.close(self._drain_timeout_s)

    async def close(self) -> None:
        """`stop` all, and probe no more."""
        await self._watch.close()
        tasks = tuple(self._first_probes)
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        await asyncio.gather(*(self.stop(model) for model in tuple(self._models)))

    def invoke(
        self,
        version: ModelVersion,
        rows: Sequence[PackedRow],
        deadline: Deadline,
        late: LateOutput | None = None,
        caller: str = "",
    ) -> Awaitable[Sequence[RowResult]]:
        """See `ModelInvoker.invoke`."""
        model = self._models.get(version.id)
        if model is None:
            refused: asyncio.Future[Sequence[RowResult]] = asyncio.get_running_loop().create_future()
            refused.set_result([no_replica(f"model {version.id} is not asked by this engine")] * len(rows))
            return refused
        return model.ask(rows, deadline, late)

    def pools(self) -> Sequence[PoolStatus]:
        """How each version is doing, as far as one can tell from here."""
        return [model.status() for model in self._models.values()]

    async def _probe(self) -> None:
        await asyncio.gather(*(model.probe() for model in self._models.values()))
