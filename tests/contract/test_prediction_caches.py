import pytest

from clipper_sls.adapters.local.memory_cache import MemoryPredictionCache
from clipper_sls.testing.contracts.prediction_cache import PredictionCacheContract


class TestMemoryPredictionCache(PredictionCacheContract):
    @pytest.fixture
    def cache(self) -> MemoryPredictionCache:
        return MemoryPredictionCache(20_000)


async def test_size_0_keeps_nothing() -> None:
    from clipper_sls.domain.cache_key import CacheKey
    from clipper_sls.domain.query import OutputJson

    cache, key = MemoryPredictionCache(0), CacheKey(bytes(32))
    await cache.put_many({key: OutputJson(b"1")})
    assert await cache.get_many([key]) == {}
