from types import SimpleNamespace
from typing import Any

from clipper_sls.adapters.redis.cluster_cache import RedisClusterPredictionCache
from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import OutputJson
from clipper_sls.ports.prediction_cache import NEVER, Kept
from clipper_sls.testing.clock import ManualClock

CONNECTING_S = 0.5


class _SlowCluster:
    """One node, known only after CONNECTING_S."""

    def __init__(self, clock: ManualClock) -> None:
        self.nodes_manager = SimpleNamespace(slots_cache={})
        self.written: list[tuple[Any, ...]] = []
        self._clock = clock
        self._is_known = False

    async def initialize(self) -> None:
        if not self._is_known:
            await self._clock.advance(CONNECTING_S)
        self._is_known = True

    def keyslot(self, key: bytes) -> int:
        return 0

    def pipeline(self) -> "_SlowCluster":
        return self

    def execute_command(self, *command: Any) -> None:
        self.written.append(command)

    async def execute(self, raise_on_error: bool) -> list[bool]:
        return [True] * len(self.written)

    async def aclose(self) -> None:
        return


async def test_an_output_that_became_too_old_while_the_cluster_was_looked_for_is_not_written() -> None:
    clock = ManualClock()
    cluster: Any = _SlowCluster(clock)
    cache = RedisClusterPredictionCache(cluster, name="of the test", namespace="n", clock=clock, limit_s=60.0)
    early, late, lasting = (CacheKey(bytes([number]) * 32) for number in range(3))
    now = clock.now()
    await cache.keep(
        {
            early: Kept(OutputJson(b"1"), now + CONNECTING_S / 2),
            late: Kept(OutputJson(b"2"), now + CONNECTING_S * 2),
            lasting: Kept(OutputJson(b"3"), NEVER),
        }
    )
    assert [(command[2], command[4] > 1) for command in cluster.written] == [(b"2", True), (b"3", True)]
    await cache.close()
