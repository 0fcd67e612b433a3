import pytest

from clipper_sls.adapters.local.memory_cache import MemoryPredictionCache
from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import OutputJson
from clipper_sls.testing import ManualClock
from clipper_sls.testing.contracts.prediction_cache import Elapse, PredictionCacheContract


class TestMemoryPredictionCache(PredictionCacheContract):
    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def elapse(self, clock: ManualClock) -> Elapse:
        return clock.advance

    @pytest.fixture
    def cache(self, clock: ManualClock) -> MemoryPredictionCache:
        return MemoryPredictionCache(20_000, clock=clock)


async def test_size_0_keeps_nothing() -> None:
    cache, key = MemoryPredictionCache(0, clock=ManualClock()), CacheKey(bytes(32))
    await cache.put_many({key: OutputJson(b"1")})
    assert await cache.get_many([key]) == {}
