"""Predictions in memory: the law of the bound."""

from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.adapters.local.memory_cache import ENTRY_OVERHEAD_BYTES, MemoryPredictionCache
from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import OutputJson

SIZE_BYTES = 2_000
KEYS = [CacheKey(bytes([number]) * 32) for number in range(12)]

keys = st.sampled_from(KEYS)
outputs = st.integers(1, SIZE_BYTES).map(lambda length: OutputJson(b"1" * length))


@given(st.lists(st.tuples(keys, outputs), max_size=60))
async def test_its_entries_never_take_more_than_its_bytes(put: list[tuple[CacheKey, OutputJson]]) -> None:
    cache, newest = MemoryPredictionCache(SIZE_BYTES), {}
    for key, output in put:
        await cache.put_many({key: output})
        newest[key] = output
    found = await cache.get_many(KEYS)
    assert found.items() <= newest.items()
    assert sum(len(output) + ENTRY_OVERHEAD_BYTES for output in found.values()) <= SIZE_BYTES


async def test_an_output_that_just_fits_is_kept_and_one_byte_more_is_not() -> None:
    cache = MemoryPredictionCache(SIZE_BYTES)
    fits, too_large = (OutputJson(b"1" * (SIZE_BYTES - ENTRY_OVERHEAD_BYTES + more)) for more in (0, 1))
    await cache.put_many({KEYS[0]: fits})
    await cache.put_many({KEYS[1]: too_large})
    assert await cache.get_many(KEYS) == {KEYS[0]: fits}


async def test_what_is_given_up_is_counted() -> None:
    given_up: list[int] = []
    cache = MemoryPredictionCache(SIZE_BYTES, given_up.append)
    await cache.put_many({key: OutputJson(b"1") for key in KEYS})
    assert sum(given_up) == len(KEYS) - len(await cache.get_many(KEYS))
