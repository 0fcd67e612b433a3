"""The near cache first, then the one elsewhere; what fails elsewhere hides nothing that is near."""

import asyncio
from dataclasses import dataclass, field

import pytest

from clipper_sls.adapters.local.first_sights import FirstSights
from clipper_sls.adapters.local.memory_cache import MemoryPredictionCache
from clipper_sls.adapters.local.tiered_cache import TieredPredictionCache
from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import Deadline, OutputJson
from clipper_sls.ports.prediction_cache import NEVER, Kept
from clipper_sls.testing import FakeRemoteCache, ManualClock, RecordingMetrics

A, B, C = (CacheKey(bytes([number]) * 32) for number in range(3))
ONE, TWO = OutputJson(b"1"), OutputJson(b"2")


@dataclass
class Tiers:
    clock: ManualClock = field(default_factory=ManualClock)
    metrics: RecordingMetrics = field(default_factory=RecordingMetrics)

    def __post_init__(self) -> None:
        self.near = MemoryPredictionCache(100_000, clock=self.clock)
        self.remote = FakeRemoteCache(self.clock)
        self.cache = TieredPredictionCache(self.near, self.remote, clock=self.clock, metrics=self.metrics)


@pytest.fixture
def tiers() -> Tiers:
    return Tiers()


@pytest.fixture
def sparing(tiers: Tiers) -> TieredPredictionCache:
    """Writes elsewhere what is seen for the second time."""
    return TieredPredictionCache(
        tiers.near, tiers.remote, clock=tiers.clock, metrics=tiers.metrics, first_sights=FirstSights(max_keys=3)
    )


async def _turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_is_near_is_not_asked_for_elsewhere(tiers: Tiers) -> None:
    tiers.near.put_many({A: ONE})
    assert await tiers.cache.get_many([A, A]) == {A: ONE}
    assert tiers.remote.lookups == []
    assert await tiers.cache.get_many([A, B, B]) == {A: ONE}
    assert tiers.remote.lookups == [[B]]
    assert tiers.metrics.remote_lookups == [(0, 1)]


async def test_what_is_found_elsewhere_is_near_from_then_on(tiers: Tiers) -> None:
    tiers.remote.kept = {A: Kept(ONE, NEVER)}
    assert await tiers.cache.get_many([A, B]) == {A: ONE}
    assert await tiers.near.get_many([A]) == {A: ONE}
    assert tiers.metrics.remote_lookups == [(1, 1)]


async def test_what_is_found_elsewhere_is_near_for_the_rest_of_its_time_only(tiers: Tiers) -> None:
    tiers.remote.kept = {A: Kept(ONE, tiers.clock.now() + 10), B: Kept(TWO, NEVER)}
    await tiers.clock.advance(4)
    assert await tiers.cache.get_many([A, B], ttl_s=10) == {A: ONE, B: TWO}
    await tiers.clock.advance(5)
    assert await tiers.near.get_many([A, B]) == {A: ONE, B: TWO}
    await tiers.clock.advance(1)
    assert await tiers.near.get_many([A, B]) == {B: TWO}


async def test_what_is_too_old_by_the_time_it_is_here_is_answered_and_not_kept(tiers: Tiers) -> None:
    class Slow(FakeRemoteCache):
        async def find(self, keys, *, can_expire, deadline):
            return {A: Kept(ONE, self.clock.now())}

    cache = TieredPredictionCache(tiers.near, Slow(tiers.clock), clock=tiers.clock, metrics=tiers.metrics)
    assert await cache.get_many([A], ttl_s=10) == {A: ONE}
    assert await tiers.near.get_many([A]) == {}


async def test_what_is_put_goes_to_both_and_nobody_waits_for_the_far_one(tiers: Tiers) -> None:
    tiers.remote.answers.clear()
    tiers.cache.put_many({A: ONE}, ttl_s=10)
    tiers.cache.put_many({B: TWO})
    assert await tiers.near.get_many([A, B]) == {A: ONE, B: TWO}
    assert tiers.remote.kept == {}
    await tiers.clock.advance(3)
    tiers.remote.answers.set()
    await tiers.cache.close()
    assert tiers.remote.kept == {A: Kept(ONE, tiers.clock.now() + 7), B: Kept(TWO, NEVER)}
    assert tiers.remote.is_closed


async def test_a_far_cache_that_fails_is_counted_and_hides_nothing_that_is_near(tiers: Tiers) -> None:
    tiers.remote.is_away = True
    tiers.cache.put_many({A: ONE})
    await _turns()
    assert (tiers.metrics.cache_failures, tiers.metrics.remote_dropped) == (1, 1)
    assert await tiers.cache.get_many([A, B]) == {A: ONE}
    assert tiers.metrics.cache_failures == 2
    assert tiers.metrics.remote_lookups == []


async def test_the_far_cache_is_not_asked_when_the_time_is_over(tiers: Tiers) -> None:
    tiers.near.put_many({A: ONE})
    assert await tiers.cache.get_many([A, B], deadline=Deadline(tiers.clock.now())) == {A: ONE}
    assert tiers.remote.lookups == []


async def test_a_sparing_cache_writes_what_is_asked_for_again_and_only_once(tiers: Tiers, sparing) -> None:
    sparing.put_many({A: ONE, B: TWO}, ttl_s=10)
    await _turns()
    assert tiers.remote.writes == []
    await tiers.clock.advance(4)
    for _ in range(3):
        assert sparing.peek([A]) == {A: ONE}
        await _turns()
    assert tiers.remote.writes == [{A: Kept(ONE, tiers.clock.now() + 6)}]
    assert await sparing.get_many([B, C]) == {B: TWO}
    await _turns()
    assert tiers.remote.writes[1:] == [{B: Kept(TWO, tiers.clock.now() + 6)}]


async def test_a_sparing_cache_writes_what_is_put_again(tiers: Tiers, sparing) -> None:
    for output in (ONE, TWO):
        sparing.put_many({A: output})
        await _turns()
    assert tiers.remote.writes == [{A: Kept(TWO, NEVER)}]


async def test_a_look_up_that_finds_only_a_part_counts_once(tiers: Tiers, sparing) -> None:
    sparing.put_many({A: ONE})
    assert sparing.peek([A, B]) is None
    await _turns()
    assert tiers.remote.writes == []
    await sparing.get_many([A, B])
    await _turns()
    assert tiers.remote.writes == [{A: Kept(ONE, NEVER)}]


async def test_a_sparing_cache_forgets_the_oldest_first_sights(tiers: Tiers, sparing) -> None:
    for number in range(5):
        sparing.put_many({CacheKey(bytes([number]) * 32): ONE})
    assert sparing.peek([A]) == {A: ONE}
    assert sparing.peek([CacheKey(bytes([4]) * 32)])
    await _turns()
    assert tiers.remote.writes == [{CacheKey(bytes([4]) * 32): Kept(ONE, NEVER)}]
