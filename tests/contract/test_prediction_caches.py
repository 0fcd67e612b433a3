import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest

from clipper_sls.adapters.aws.dynamodb.prediction_cache import DynamoPredictionCache
from clipper_sls.adapters.aws.dynamodb.tables import CACHE
from clipper_sls.adapters.local.memory_cache import MemoryPredictionCache
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.adapters.local.tiered_cache import TieredPredictionCache
from clipper_sls.adapters.redis.cluster_cache import RedisClusterPredictionCache
from clipper_sls.adapters.redis.connecting import client, cluster_client, is_cluster
from clipper_sls.adapters.redis.prediction_cache import RedisPredictionCache
from clipper_sls.adapters.remote_caches.guarded_cache import GuardedCache
from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import Deadline, OutputJson
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.prediction_cache import FOREVER, RemotePredictionCache
from clipper_sls.testing import FakeRemoteCache, ManualClock, RecordingMetrics
from clipper_sls.testing.contracts.prediction_cache import (
    BoundedPredictionCacheContract,
    Elapse,
    PredictionCacheContract,
)
from clipper_sls.testing.dynamodb import MakeTable
from clipper_sls.testing.redis_cluster import redis_cluster
from clipper_sls.testing.redis_server import BINARIES, RedisServerUnderTest, redis_server

LIMIT_S = 20.0
"""Nothing here is about being slow."""
DELAY_S = 0.1
"""A server counts from when it hears of an output."""

_namespaces = itertools.count()


@asynccontextmanager
async def redis_cache(url: str) -> AsyncIterator[GuardedCache]:
    is_of_cluster = is_cluster(url)
    cache = (RedisClusterPredictionCache if is_of_cluster else RedisPredictionCache)(
        (cluster_client if is_of_cluster else client)(url, LIMIT_S),  # type: ignore[arg-type]
        name="of the test",
        namespace=str(next(_namespaces)),
        clock=SystemClock(),
        limit_s=LIMIT_S,
        max_output_bytes=100_000,
    )
    yield cache
    await cache.close()


async def real_time(seconds: float) -> None:
    """The server has a clock of its own, which nobody can move."""
    await asyncio.sleep(seconds + DELAY_S)


class TestMemoryPredictionCache(BoundedPredictionCacheContract):
    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def elapse(self, clock: ManualClock) -> Elapse:
        return clock.advance

    @pytest.fixture
    def cache(self, clock: ManualClock) -> MemoryPredictionCache:
        return MemoryPredictionCache(20_000, clock=clock)


class TestTieredPredictionCache(PredictionCacheContract):
    @pytest.fixture
    def elapse(self) -> Elapse:
        return real_time

    @pytest.fixture
    async def cache(self, shared_redis: RedisServerUnderTest) -> AsyncIterator[TieredPredictionCache]:
        async with redis_cache(shared_redis.url) as remote:
            near = MemoryPredictionCache(20_000, clock=SystemClock())
            tiers = TieredPredictionCache(near, remote, clock=SystemClock(), metrics=RecordingMetrics())
            yield tiers
            await tiers.close()


class Written(TieredPredictionCache):
    """Nothing is near: each look-up goes to the remote cache, after what was put has got there."""

    def __init__(self, remote: RemotePredictionCache, clock: Clock) -> None:
        near = MemoryPredictionCache(0, clock=clock)
        super().__init__(near, remote, clock=clock, metrics=RecordingMetrics())

    async def get_many(
        self, keys: Sequence[CacheKey], *, ttl_s: float | None = None, deadline: Deadline = FOREVER
    ) -> Mapping[CacheKey, OutputJson]:
        await self._writes.close()
        return await super().get_many(keys, ttl_s=ttl_s, deadline=deadline)


@pytest.fixture(scope="module", params=BINARIES)
def redis_binary(request: pytest.FixtureRequest, redis_is_installed: None) -> str:
    """Each of those that speak the protocol."""
    binary = shutil.which(request.param)
    if binary is None:
        pytest.skip(f"NOT TESTED HERE: needs {request.param} on PATH")
    return binary


@pytest.fixture(scope="module", params=["a server", "a cluster of one", "a cluster of three"])
def redis_url(
    request: pytest.FixtureRequest, redis_binary: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("redis")
    match request.param:
        case "a server":
            with redis_server(folder, binary=redis_binary) as server:
                yield server.url
        case _:
            with redis_cluster(folder, nodes=1 if "one" in request.param else 3, binary=redis_binary) as cluster:
                yield cluster.url


class TestRemoteCacheInRedis(PredictionCacheContract):
    @pytest.fixture
    def elapse(self) -> Elapse:
        return real_time

    @pytest.fixture
    async def cache(self, redis_url: str) -> AsyncIterator[TieredPredictionCache]:
        async with redis_cache(redis_url) as remote:
            written = Written(remote, SystemClock())
            yield written
            await written.close()


class TestRemoteCacheInDynamoDB(PredictionCacheContract):
    """Expiry is checked when an output is read, so nothing depends on when a server removes it."""

    @pytest.fixture
    def elapse(self) -> Elapse:
        return real_time

    @pytest.fixture
    async def cache(self, new_table: MakeTable) -> AsyncIterator[TieredPredictionCache]:
        remote = DynamoPredictionCache(new_table(CACHE), clock=SystemClock(), limit_s=LIMIT_S)
        written = Written(remote, SystemClock())
        yield written
        await written.close()


class TestFakeRemoteCache(PredictionCacheContract):
    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def elapse(self, clock: ManualClock) -> Elapse:
        return clock.advance

    @pytest.fixture
    def cache(self, clock: ManualClock) -> TieredPredictionCache:
        return Written(FakeRemoteCache(clock), clock)


async def test_size_0_keeps_nothing() -> None:
    cache, key = MemoryPredictionCache(0, clock=ManualClock()), CacheKey(bytes(32))
    cache.put_many({key: OutputJson(b"1")})
    assert await cache.get_many([key]) == {}
