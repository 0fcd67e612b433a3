"""Predictions in memory: the law of the bound, and of age."""

from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.adapters.local.memory_cache import ENTRY_OVERHEAD_BYTES, MemoryPredictionCache
from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import OutputJson
from clipper_sls.testing import ManualClock

SIZE_BYTES = 2_000
KEYS = [CacheKey(bytes([number]) * 32) for number in range(12)]

keys = st.sampled_from(KEYS)
outputs = st.integers(1, SIZE_BYTES).map(lambda length: OutputJson(b"1" * length))


@given(st.lists(st.tuples(keys, outputs), max_size=60))
async def test_its_entries_never_take_more_than_its_bytes(put: list[tuple[CacheKey, OutputJson]]) -> None:
    cache, newest = MemoryPredictionCache(SIZE_BYTES, clock=ManualClock()), {}
    for key, output in put:
        cache.put_many({key: output})
        newest[key] = output
    found = await cache.get_many(KEYS)
    assert found.items() <= newest.items()
    assert sum(len(output) + ENTRY_OVERHEAD_BYTES for output in found.values()) <= SIZE_BYTES


async def test_an_output_that_just_fits_is_kept_and_one_byte_more_is_not() -> None:
    cache = MemoryPredictionCache(SIZE_BYTES, clock=ManualClock())
    fits, too_large = (OutputJson(b"1" * (SIZE_BYTES - ENTRY_OVERHEAD_BYTES + more)) for more in (0, 1))
    cache.put_many({KEYS[0]: fits})
    cache.put_many({KEYS[1]: too_large})
    assert await cache.get_many(KEYS) == {KEYS[0]: fits}


async def test_what_is_given_up_is_counted() -> None:
    given_up: list[int] = []
    cache = MemoryPredictionCache(SIZE_BYTES, clock=ManualClock(), evicted=given_up.append)
    cache.put_many({key: OutputJson(b"1") for key in KEYS})
    assert sum(given_up) == len(KEYS) - len(await cache.get_many(KEYS))


@given(ttl_s=st.floats(1e-3, 1e6), share=st.floats(0, 2))
async def test_an_output_is_there_until_its_ttl_is_over_and_never_after(ttl_s: float, share: float) -> None:
    clock = ManualClock(now=0.0)
    cache = MemoryPredictionCache(SIZE_BYTES, clock=clock)
    cache.put_many({KEYS[0]: OutputJson(b"1")}, ttl_s)
    await clock.advance(ttl_s * share)
    assert (KEYS[0] in await cache.get_many(KEYS)) == (clock.now() < ttl_s)


async def test_what_has_expired_makes_room_when_it_is_asked_for() -> None:
    clock, given_up = ManualClock(), []
    cache = MemoryPredictionCache(4 * (ENTRY_OVERHEAD_BYTES + 1), clock=clock, evicted=given_up.append)
    old, young = ({key: OutputJson(b"1") for key in some} for some in (KEYS[:4], KEYS[4:8]))
    cache.put_many(old, ttl_s=1.0)
    await clock.advance(1.0)
    assert await cache.get_many(KEYS) == {}
    cache.put_many(young)
    assert await cache.get_many(KEYS) == young
    assert given_up == []
