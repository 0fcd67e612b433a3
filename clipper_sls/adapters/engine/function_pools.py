"""The embedded engine's model host and invoker: a function pool per model version, in child processes."""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from pathlib import Path

from clipper_sls.adapters.engine import refusals
from clipper_sls.adapters.engine.calls import refused
from clipper_sls.adapters.engine.function_pool import FunctionPool
from clipper_sls.adapters.engine.launching import Launchers
from clipper_sls.adapters.engine.limits import EngineLimits
from clipper_sls.adapters.engine.replica_logs import Logs
from clipper_sls.domain.identifiers import ModelId, ModelName
from clipper_sls.domain.query import Deadline, PackedRow, RowResult
from clipper_sls.domain.records import ModelVersion, Scaling
from clipper_sls.domain.replicas import PoolStatus
from clipper_sls.errors import ContainerlessModelError, InvalidSettingError, NoReplicaError
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.metrics import Metrics
from clipper_sls.ports.model_host import Decide
from clipper_sls.ports.model_invoker import LateOutput
from clipper_sls.service.watch import Watch

_log = logging.getLogger(__name__)


class FunctionPools:
    """Implements `ModelHost` and `ModelInvoker`. `clock.now` must run with the event loop's time."""

    def __init__(
        self, *, launchers: Launchers, logs: Logs, clock: Clock, metrics: Metrics, limits: EngineLimits
    ) -> None:
        self._launchers = launchers
        self._logs = logs
        self._clock = clock
        self._metrics = metrics
        self._limits = limits
        self._pools: dict[ModelId, FunctionPool] = {}
        self._watch = Watch(self._look, clock=clock, interval_s=limits.watch_interval_s, what="the replicas")

    async def identified(self, version: ModelVersion) -> ModelVersion:
        """See `ModelHost.identified`."""
        return await self._launchers.identified(version)

    async def start(self, version: ModelVersion) -> None:
        """See `ModelHost.start`. Raises InvalidSettingError for more replicas than this machine is allowed to run."""
        self._check(version.scaling)
        hosted = self._pools.get(version.id)
        if hosted is not None:
            await hosted.ready()
            return
        pool = self._host(version)
        try:
            await pool.start()
        except BaseException:
            await self._close(version.id, pool)
            raise

    async def let_answer(self, model: ModelName, decide: Decide) -> None:
        """See `ModelHost.let_answer`: who asks an engine has its registry."""

    async def withdraw(self, model: ModelId) -> None:
        """See `ModelHost.withdraw`."""
        await self.stop(model)

    async def resume(self, version: ModelVersion) -> None:
        """See `ModelHost.resume`; returns at once. Asleep versions stay asleep until they are asked."""
        if version.id not in self._pools:
            self._host(version).resume()

    async def settled(self, timeout_s: float) -> None:
        """Return when every hosted version had its minimum ready, or failed to start, once; or after `timeout_s`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                for pool in tuple(self._pools.values()):
                    await pool.settled()

    async def scale(self, model: ModelId, scaling: Scaling) -> None:
        """See `ModelHost.scale`. Raises InvalidSettingError as `start`, NoReplicaError when `model` is not hosted."""
        self._check(scaling)
        pool = self._pools.get(model)
        if pool is None:
            raise NoReplicaError(f"Model {model} is not hosted by this engine, so it cannot be scaled; deploy it again")
        await pool.scale(scaling)

    async def stop(self, model: ModelId) -> None:
        """See `ModelHost.stop`."""
        pool = self._pools.get(model)
        if pool is not None:
            await self._close(model, pool)

    async def close(self) -> None:
        """Stop everything, and leave no process behind."""
        await asyncio.gather(*(self._close(model, pool) for model, pool in tuple(self._pools.items())))
        await self._watch.close()
        self._launchers.close()

    def invoke(
        self,
        version: ModelVersion,
        rows: Sequence[PackedRow],
        deadline: Deadline,
        late: LateOutput | None = None,
        caller: str = "",
    ) -> Awaitable[Sequence[RowResult]]:
        """See `ModelInvoker.invoke`."""
        pool = self._pools.get(version.id)
        if pool is None:
            return refused(refusals.not_hosted(version.id), len(rows))
        return pool.ask(rows, deadline, late, caller)

    def pools(self) -> Sequence[PoolStatus]:
        """See `ModelHost.pools`."""
        return [pool.status() for pool in self._pools.values()]

    def log_files(self, model: ModelId | None = None) -> Sequence[Path]:
        """See `ModelHost.log_files`; of all models, they come by model and version."""
        return self._logs.files() if model is None else self._logs.of(model).files()

    def _check(self, scaling: Scaling) -> None:
        if scaling.maximum > self._limits.max_replicas:
            raise InvalidSettingError(
                f"{scaling.maximum} replicas of one version are too many for this engine, where each is a process; at "
                f"most {self._limits.max_replicas} are taken. Raise the setting max_replicas if the machine can bear it"
            )

    def _host(self, version: ModelVersion) -> FunctionPool:
        if version.bundle_digest is None:
            raise ContainerlessModelError(f"Model {version.id} has no bundle: it runs elsewhere and cannot be hosted")
        self._watch.begin()
        pool = FunctionPool(
            version=version,
            launcher=self._launchers.launcher(version),
            logs=self._logs.of(version.id),
            clock=self._clock,
            metrics=self._metrics,
            limits=self._limits,
        )
        self._pools[version.id] = pool
        return pool

    async def _close(self, model: ModelId, pool: FunctionPool) -> None:
        await pool.close()
        if self._pools.get(model) is pool:
            del self._pools[model]

    async def _look(self) -> None:
        """At the limits of all replicas."""
        pools = tuple(self._pools.values())
        for pool in pools:
            pool.check(self._clock.now())
        await asyncio.to_thread(_bound_logs, pools)


def _bound_logs(pools: Sequence[FunctionPool]) -> None:
    for pool in pools:
        pool.bound_logs()
