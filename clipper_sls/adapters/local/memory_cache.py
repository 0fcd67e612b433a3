"""Predictions in this process' memory."""

from collections.abc import Mapping, Sequence

from cachetools import LRUCache

from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import OutputJson

ENTRY_OVERHEAD_BYTES = 300
"""What Python needs for one entry beside its bytes: two bytes objects, two dictionary slots, a list link; measured."""


class MemoryPredictionCache:
    """Bounded in bytes, keys and overhead included; forgets what was used longest ago. Size 0 keeps nothing."""

    def __init__(self, size_bytes: int) -> None:
        self._entries: LRUCache[CacheKey, OutputJson] = LRUCache(size_bytes, getsizeof=_cost)

    async def get_many(self, keys: Sequence[CacheKey]) -> Mapping[CacheKey, OutputJson]:
        return {key: output for key in keys if (output := self._entries.get(key)) is not None}

    async def put_many(self, outputs: Mapping[CacheKey, OutputJson]) -> None:
        for key, output in outputs.items():
            if _cost(output) <= self._entries.maxsize:
                self._entries[key] = output
            else:
                self._entries.pop(key, None)  # what is there is no longer the last output


def _cost(output: OutputJson) -> int:
    return len(output) + ENTRY_OVERHEAD_BYTES
