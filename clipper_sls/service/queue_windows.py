"""A queue's batching window, where a server hands messages on as they come: what comes within it is one call."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace

from clipper_sls.domain.functions.hosted import CallResult, FunctionCall, FunctionVersion
from clipper_sls.domain.queue_batches import Messages, QueueWindow, joined, part_of
from clipper_sls.ports.functions import FunctionCatalog, FunctionRunner


@dataclass
class _Batch:
    """Waits for more until its window has passed, or it is full."""

    parts: list[Messages] = field(default_factory=list)
    is_full: asyncio.Event = field(default_factory=asyncio.Event)
    result: "asyncio.Task[CallResult] | None" = None

    @property
    def size(self) -> int:
        return sum(len(part.records) for part in self.parts)


class QueueWindows:
    """Only for functions that report failures message by message: else one bad message would fail those of others."""

    def __init__(self, *, catalog: FunctionCatalog, runner: FunctionRunner) -> None:
        self._catalog = catalog
        self._runner = runner
        self._open: dict[tuple[str, str], _Batch] = {}

    async def run(self, function: FunctionVersion, call: FunctionCall) -> CallResult:
        """See `FunctionRunner.run`; of messages, with those of other calls that come within the window."""
        messages = Messages.read(call.event)
        window = None if messages is None else await self._catalog.window(function.name, messages.source)
        if messages is None or window is None:
            return await self._runner.run(function, call)
        batch = self._joined(function, call, messages, window)
        assert batch.result is not None
        return part_of(await asyncio.shield(batch.result), messages)

    def _joined(self, function: FunctionVersion, call: FunctionCall, messages: Messages, window: QueueWindow) -> _Batch:
        key = function.name, messages.source
        batch = self._open.get(key)
        if batch is None or batch.size + len(messages.records) > window.batch_size:
            if batch is not None:
                batch.is_full.set()
            batch = self._open[key] = _Batch()
            batch.result = asyncio.create_task(self._gather(key, batch, function, call, window))
        batch.parts.append(messages)
        if batch.size >= window.batch_size:
            batch.is_full.set()
        return batch

    async def _gather(
        self, key: tuple[str, str], batch: _Batch, function: FunctionVersion, call: FunctionCall, window: QueueWindow
    ) -> CallResult:
        with suppress(TimeoutError):
            await asyncio.wait_for(batch.is_full.wait(), window.seconds)
        if self._open.get(key) is batch:
            del self._open[key]
        return await self._runner.run(function, replace(call, event=joined(batch.parts)))
