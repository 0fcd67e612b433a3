"""Outputs on their way to a cache outside this process, for which no caller waits."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping

from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.ports.metrics import Metrics
from clipper_sls.ports.prediction_cache import Kept, RemotePredictionCache

MAX_WAITING_BYTES = 8 * 1024 * 1024
ENTRY_OVERHEAD_BYTES = 300
MAX_ENTRIES, MAX_BYTES = 100, 256 * 1024
"""Of one write, so that it is over quickly; an entry with more bytes goes alone."""
FLUSH_LIMIT_S = 1.0


class WriteBehind:
    """Bounded in bytes; one write at a time. What finds no room, or is refused, is dropped and counted."""

    def __init__(
        self, remote: RemotePredictionCache, metrics: Metrics, *, max_waiting_bytes: int = MAX_WAITING_BYTES
    ) -> None:
        self._remote = remote
        self._metrics = metrics
        self._max_waiting_bytes = max_waiting_bytes
        # The oldest first; a plain dictionary would walk over all that was taken before.
        self._waiting: OrderedDict[CacheKey, Kept] = OrderedDict()
        self._waiting_bytes = 0
        self._task: asyncio.Task[None] | None = None

    def add(self, outputs: Mapping[CacheKey, Kept]) -> None:
        """Write `outputs` soon; of one key that waits already the newer output counts."""
        dropped = 0
        for key, kept in outputs.items():
            self._forget(key)
            if self._waiting_bytes + _size(kept) > self._max_waiting_bytes:
                dropped += 1
            else:
                self._waiting[key] = kept
                self._waiting_bytes += _size(kept)
        if dropped:
            self._metrics.remote_cache_dropped(dropped)
        if self._waiting and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._write_all())

    async def close(self) -> None:
        """Write what waits, for a second at most; the rest is dropped."""
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=FLUSH_LIMIT_S)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._waiting:
            self._metrics.remote_cache_dropped(len(self._waiting))

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                await self._write(self._taken())
        finally:
            self._task = None

    async def _write(self, outputs: Mapping[CacheKey, Kept]) -> None:
        try:
            await self._remote.keep(outputs)
        except StoreUnavailableError:
            self._metrics.cache_failed()
            self._metrics.remote_cache_dropped(len(outputs))

    def _taken(self) -> dict[CacheKey, Kept]:
        taken: dict[CacheKey, Kept] = {}
        size_bytes = 0
        for key, kept in self._waiting.items():
            size_bytes += _size(kept)
            if taken and (len(taken) >= MAX_ENTRIES or size_bytes > MAX_BYTES):
                break
            taken[key] = kept
        for key in taken:
            self._forget(key)
        return taken

    def _forget(self, key: CacheKey) -> None:
        if (kept := self._waiting.pop(key, None)) is not None:
            self._waiting_bytes -= _size(kept)


def _size(kept: Kept) -> int:
    return len(kept.output) + ENTRY_OVERHEAD_BYTES
