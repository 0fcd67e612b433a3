"""What every prediction cache must do.

A subclass has the fixtures `cache` and `elapse`, which lets seconds pass for it; a bounded cache has 10,000 to 100,000
bytes.
"""

from collections.abc import Awaitable, Callable

from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import OutputJson
from clipper_sls.ports.prediction_cache import PredictionCache

Elapse = Callable[[float], Awaitable[None]]

TTL_S = 0.2
OLDER_S = TTL_S + 0.002


def _key(number: int) -> CacheKey:
    return CacheKey(number.to_bytes(32, "big"))


def _outputs(numbers: range) -> dict[CacheKey, OutputJson]:
    return {_key(number): OutputJson(b"%d" % number) for number in numbers}


class PredictionCacheContract:
    async def test_what_was_put_is_found_under_its_own_key(self, cache: PredictionCache) -> None:
        cache.put_many(_outputs(range(5)))
        assert await cache.get_many([_key(3), _key(7), _key(0)]) == {_key(3): b"3", _key(0): b"0"}

    async def test_the_last_output_of_a_key_counts(self, cache: PredictionCache) -> None:
        cache.put_many({_key(1): OutputJson(b"1")})
        cache.put_many({_key(1): OutputJson(b"2")})
        assert await cache.get_many([_key(1)]) == {_key(1): b"2"}

    async def test_nothing_asked_nothing_found(self, cache: PredictionCache) -> None:
        assert await cache.get_many([]) == {}

    async def test_an_output_is_gone_once_it_is_older_than_its_ttl(
        self, cache: PredictionCache, elapse: Elapse
    ) -> None:
        cache.put_many(_outputs(range(3)), ttl_s=TTL_S)
        await elapse(OLDER_S)
        assert await cache.get_many([_key(0), _key(2)]) == {}

    async def test_an_output_younger_than_its_ttl_is_there(self, cache: PredictionCache, elapse: Elapse) -> None:
        cache.put_many(_outputs(range(3)), ttl_s=100 * TTL_S)
        await elapse(OLDER_S)
        assert await cache.get_many([_key(0), _key(2)]) == {_key(0): b"0", _key(2): b"2"}

    async def test_an_output_without_a_ttl_outlives_one_with(self, cache: PredictionCache, elapse: Elapse) -> None:
        cache.put_many({_key(1): OutputJson(b"1")}, ttl_s=TTL_S)
        cache.put_many({_key(2): OutputJson(b"2")})
        await elapse(OLDER_S)
        assert await cache.get_many([_key(1), _key(2)]) == {_key(2): b"2"}

    async def test_the_last_ttl_of_a_key_counts(self, cache: PredictionCache, elapse: Elapse) -> None:
        cache.put_many(_outputs(range(2)), ttl_s=TTL_S)
        cache.put_many({_key(0): OutputJson(b"0")})
        cache.put_many({_key(1): OutputJson(b"1")}, ttl_s=100 * TTL_S)
        await elapse(OLDER_S)
        assert await cache.get_many([_key(0), _key(1)]) == {_key(0): b"0", _key(1): b"1"}


class BoundedPredictionCacheContract(PredictionCacheContract):
    """Of a cache that makes room by itself, and not by the policy of a server."""

    async def test_it_is_bounded_and_forgets_what_is_old_first(self, cache: PredictionCache) -> None:
        for number in range(1_000):
            cache.put_many(_outputs(range(number, number + 1)))
        found = await cache.get_many([_key(number) for number in range(1_000)])
        assert 0 < len(found) < 1_000
        assert _key(999) in found
        assert _key(0) not in found

    async def test_an_output_larger_than_the_cache_is_passed_over(self, cache: PredictionCache) -> None:
        cache.put_many({_key(1): OutputJson(b"1"), _key(2): OutputJson(b"0" * 1_000_000)})
        assert await cache.get_many([_key(1), _key(2)]) == {_key(1): b"1"}
