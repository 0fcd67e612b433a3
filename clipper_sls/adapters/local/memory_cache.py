"""Predictions in this process' memory."""

from collections.abc import Callable, Mapping, Sequence

from clipper_sls.adapters.local.s3_fifo import S3Fifo
from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import Deadline, OutputJson
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.prediction_cache import FOREVER, NEVER

ENTRY_OVERHEAD_BYTES = 450
"""What Python needs for one entry beside its output: key, entry, a slot of an ordered dictionary; measured."""


class MemoryPredictionCache:
    """Bounded in bytes, keys and overhead included; resists scans. Size 0 keeps nothing.

    `evicted` is called with how many entries were given up to make room.
    """

    def __init__(self, size_bytes: int, *, clock: Clock, evicted: Callable[[int], None] = lambda count: None) -> None:
        self._clock = clock
        self._entries: S3Fifo[CacheKey, OutputJson] = S3Fifo(size_bytes, evicted)

    def peek(self, keys: Sequence[CacheKey]) -> Mapping[CacheKey, OutputJson]:
        now = self._clock.now()
        return {key: output for key in keys if (output := self._entries.get(key, now)) is not None}

    async def get_many(
        self, keys: Sequence[CacheKey], *, ttl_s: float | None = None, deadline: Deadline = FOREVER
    ) -> Mapping[CacheKey, OutputJson]:
        return self.peek(keys)

    def put_many(self, outputs: Mapping[CacheKey, OutputJson], ttl_s: float | None = None) -> None:
        expires_at = NEVER if ttl_s is None else self._clock.now() + ttl_s
        for key, output in outputs.items():
            self._entries.put(key, output, len(output) + ENTRY_OVERHEAD_BYTES, expires_at)
