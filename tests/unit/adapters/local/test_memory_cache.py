"""Predictions in memory: the law of the bound, and which ones are forgotten."""

from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.adapters.local.memory_cache import ENTRY_OVERHEAD_BYTES, MemoryPredictionCache
from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import OutputJson

SIZE_BYTES = 2_000
KEYS = [CacheKey(bytes([number]) * 32) for number in range(12)]

keys = st.sampled_from(KEYS)
outputs = st.integers(1, SIZE_BYTES).map(lambda length: OutputJson(b"1" * length))
puts = st.tuples(st.just("put"), keys, outputs)
gets = st.tuples(st.just("get"), keys, st.none())


class LeastRecentlyUsed:
    """What the cache should do, said as plainly as possible."""

    def __init__(self) -> None:
        self.kept: OrderedDict[CacheKey, OutputJson] = OrderedDict()

    def put(self, key: CacheKey, output: OutputJson) -> None:
        self.kept.pop(key, None)
        if len(output) + ENTRY_OVERHEAD_BYTES > SIZE_BYTES:
            return
        self.kept[key] = output
        while _bytes(self.kept) > SIZE_BYTES:
            self.kept.popitem(last=False)

    def get(self, key: CacheKey) -> dict[CacheKey, OutputJson]:
        if key not in self.kept:
            return {}
        self.kept.move_to_end(key)
        return {key: self.kept[key]}


@given(st.lists(puts | gets, max_size=60))
async def test_it_keeps_what_was_used_last_within_its_bytes(operations: list) -> None:
    cache, expected = MemoryPredictionCache(SIZE_BYTES), LeastRecentlyUsed()
    for operation, key, output in operations:
        if operation == "put":
            await cache.put_many({key: output})
            expected.put(key, output)
        else:
            assert await cache.get_many([key]) == expected.get(key)
    found = await cache.get_many(KEYS)
    assert found == expected.kept
    assert _bytes(found) <= SIZE_BYTES


async def test_an_output_that_just_fits_is_kept_and_one_byte_more_is_not() -> None:
    cache = MemoryPredictionCache(SIZE_BYTES)
    fits, too_large = (OutputJson(b"1" * (SIZE_BYTES - ENTRY_OVERHEAD_BYTES + more)) for more in (0, 1))
    await cache.put_many({KEYS[0]: fits})
    await cache.put_many({KEYS[1]: too_large})
    assert await cache.get_many(KEYS) == {KEYS[0]: fits}


async def test_what_was_looked_up_outlives_what_was_not() -> None:
    cache = MemoryPredictionCache(3 * (ENTRY_OVERHEAD_BYTES + 1))
    await cache.put_many({key: OutputJson(b"1") for key in KEYS[:3]})
    await cache.get_many([KEYS[0]])
    await cache.put_many({KEYS[3]: OutputJson(b"1")})
    assert set(await cache.get_many(KEYS)) == {KEYS[0], KEYS[2], KEYS[3]}


def _bytes(kept: dict[CacheKey, OutputJson]) -> int:
    return sum(len(output) + ENTRY_OVERHEAD_BYTES for output in kept.values())
