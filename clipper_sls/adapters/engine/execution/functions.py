"""Runs any number of functions: a pool of environments for each version, made when it is first called."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

from clipper_sls.adapters.engine.execution.limits import ExecutionLimits
from clipper_sls.adapters.engine.execution.pool import EnvironmentPool
from clipper_sls.adapters.engine.launching import Launcher
from clipper_sls.adapters.engine.replica_logs import Logs
from clipper_sls.domain.functions.hosted import CallResult, FunctionCall, FunctionVersion, Throttled
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.ports.clock import Clock
from clipper_sls.service.watch import Watch

_log = logging.getLogger(__name__)

Key = tuple[str, str, str]


class LambdaFunctions:
    """Implements `FunctionRunner`. `clock.now` must run with the event loop's time."""

    def __init__(
        self, *, launcher: Callable[[FunctionVersion], Launcher], logs: Logs, clock: Clock, limits: ExecutionLimits
    ) -> None:
        self._launcher = launcher
        self._logs = logs
        self._clock = clock
        self._limits = limits
        self._pools: dict[Key, EnvironmentPool] = {}
        self._under_way: Counter[str] = Counter()  # by name of the function
        self._watch = Watch(self._look, clock=clock, interval_s=limits.watch_interval_s, what="the environments")

    async def run(self, function: FunctionVersion, call: FunctionCall) -> CallResult:
        """See `FunctionRunner.run`."""
        if function.reserved is not None and self._under_way[function.name] >= function.reserved:
            return Throttled(
                "ReservedFunctionConcurrentInvocationLimitExceeded",
                f"{function.name} answers {function.reserved} calls at a time, and does already",
            )
        self._under_way[function.name] += 1
        try:
            pool = self._pool(function)
            pool.limit(function.reserved)
            return await pool.run(call)
        finally:
            self._under_way[function.name] -= 1

    def start_ahead(self, function: FunctionVersion) -> None:
        """See `FunctionRunner.start_ahead`."""
        self._pool(function).start_ahead()

    def provision(self, function: FunctionVersion, count: int) -> None:
        """See `FunctionRunner.provision`."""
        self._pool(function).provision(count)

    def status(self) -> list[dict[str, object]]:
        """Of every version that has environments."""
        return [pool.status() for pool in self._pools.values()]

    async def close(self) -> None:
        """Stop everything, and leave no process behind."""
        await self._watch.close()
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))
        self._pools.clear()

    def _pool(self, function: FunctionVersion) -> EnvironmentPool:
        self._watch.begin()
        pool = self._pools.get(function.key)
        if pool is None:
            number = function.number.removeprefix("$").lower()
            pool = EnvironmentPool(
                function=function,
                launcher=self._launcher(function),
                logs=self._logs.of(ModelId.sought(function.name, number)),
                clock=self._clock,
                limits=self._limits,
            )
            self._pools[function.key] = pool
            self._retire_earlier(function)
        return pool

    def _retire_earlier(self, function: FunctionVersion) -> None:
        """Environments of what had the same name and version before get no calls any more."""
        for pool in self._pools.values():
            one = pool.function
            if (one.name, one.number) == (function.name, function.number) and one.key != function.key:
                pool.retire()

    async def _look(self) -> None:
        for key, pool in tuple(self._pools.items()):
            pool.look()
            if pool.is_unused:
                del self._pools[key]
