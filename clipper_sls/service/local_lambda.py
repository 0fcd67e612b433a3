"""AWS Lambda's data plane on this machine: which version answers, and what is kept ready."""

import asyncio
import random

from clipper_sls.domain.functions.hosted import CallResult, FunctionCall, FunctionReference, FunctionVersion
from clipper_sls.ports.functions import FunctionCatalog, FunctionRunner
from clipper_sls.service.queue_windows import QueueWindows

_MAIN_VERSION = 0.999_999_999
"""A chance that no weight of an alias covers, unless it covers all."""


class LocalLambda:
    """`chance` draws among the versions of an alias that has weights."""

    def __init__(self, *, catalog: FunctionCatalog, runner: FunctionRunner, chance: random.Random) -> None:
        self._catalog = catalog
        self._runner = runner
        self._chance = chance
        self._windows = QueueWindows(catalog=catalog, runner=runner)
        self._kept: dict[FunctionReference, FunctionVersion] = {}  # what is provisioned, by what it was asked for
        self._changes = asyncio.Lock()

    async def version(self, reference: FunctionReference) -> FunctionVersion | None:
        """Who answers a call of `reference`; None when nobody does here."""
        return await self._catalog.resolved(reference, self._chance.random())

    async def run(self, function: FunctionVersion, call: FunctionCall) -> CallResult:
        """See `FunctionRunner.run`."""
        return await self._runner.run(function, call)

    async def run_for_queue(self, function: FunctionVersion, call: FunctionCall) -> CallResult:
        """As `run`, of what a queue may have sent: its batching window is kept here."""
        return await self._windows.run(function, call)

    async def keep_ready(self, reference: FunctionReference, count: int) -> None:
        """Keep `count` environments ready, whatever is provisioned."""
        function = await self._catalog.resolved(reference, _MAIN_VERSION)
        if function is not None:
            self._runner.provision(function, count)

    async def changed(self, reference: FunctionReference) -> None:
        """Something about a version or an alias has changed: start what it leads to, and keep ready what is asked."""
        async with self._changes:
            function = await self._catalog.resolved(reference, _MAIN_VERSION)
            count = 0 if function is None else await self._catalog.provisioned(reference)
            before = self._kept.pop(reference, None)
            if before is not None and (function is None or before.key != function.key or not count):
                self._runner.provision(before, 0)
            if function is not None and count:
                self._kept[reference] = function
                self._runner.provision(function, count)
        if function is not None:
            self._runner.start_ahead(function)
