"""The cache in a real server, which goes away, hangs, is full, comes back: wrong answers never, late ones never."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.adapters.redis.connecting import client, place
from clipper_sls.adapters.redis.prediction_cache import MAX_LIVES, RedisPredictionCache
from clipper_sls.adapters.remote_caches.circuit_breaker import MAX_PAUSE_S
from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import Deadline, OutputJson
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.ports.prediction_cache import FOREVER, NEVER, Kept
from clipper_sls.testing.redis_server import RedisServerUnderTest, redis_server

LIMIT_S = 0.2
SLACK_S = 0.3
"""For a busy machine."""
BACK_LIMIT_S = MAX_PAUSE_S + 10
KEY, OTHER = CacheKey(bytes(32)), CacheKey(b"\r\n" * 16)
ONE = OutputJson(b"1")
CLOCK = SystemClock()

MakeCache = Callable[..., RedisPredictionCache]


@pytest.fixture
async def make_cache() -> AsyncIterator[MakeCache]:
    """Caches at a URL, closed at the end."""
    async with AsyncExitStack() as opened:

        def make(url: str, namespace: str = "test", limit_s: float = LIMIT_S) -> RedisPredictionCache:
            redis = client(url, limit_s)
            cache = RedisPredictionCache(redis, name=place(url), namespace=namespace, clock=CLOCK, limit_s=limit_s)
            opened.push_async_callback(cache.close)
            return cache

        yield make


async def _get(
    cache: RedisPredictionCache, keys: Sequence[CacheKey], ttl_s: float | None = None, deadline: Deadline = FOREVER
) -> dict[CacheKey, OutputJson]:
    found = await cache.find(keys, can_expire=ttl_s is not None, deadline=deadline)
    return {key: kept.output for key, kept in found.items()}


async def _put(cache: RedisPredictionCache, outputs: Mapping[CacheKey, OutputJson], ttl_s: float | None = None) -> None:
    expires_at = NEVER if ttl_s is None else CLOCK.now() + ttl_s
    await cache.keep({key: Kept(output, expires_at) for key, output in outputs.items()})


async def _is_away(cache: RedisPredictionCache) -> float:
    """Raises nothing but what it should, and not late; returns seconds."""
    began = CLOCK.now()
    with pytest.raises(StoreUnavailableError):
        await _get(cache, [KEY, OTHER])
    return CLOCK.now() - began


async def _is_back(cache: RedisPredictionCache) -> None:
    async with asyncio.timeout(BACK_LIMIT_S):
        while True:
            try:
                await _put(cache, {KEY: ONE})
                assert await _get(cache, [KEY]) == {KEY: ONE}
                return
            except StoreUnavailableError:
                await asyncio.sleep(0.01)


async def _until_left_alone(cache: RedisPredictionCache) -> None:
    """Each attempt within its limit, until nobody waits at all."""
    for _ in range(10):
        took_s = await _is_away(cache)
        assert took_s < LIMIT_S + SLACK_S
        await asyncio.sleep(0.02)
    assert min([await _is_away(cache) for _ in range(5)]) < LIMIT_S / 10


async def test_a_restart_between_two_commands_is_not_noticed(
    redis: RedisServerUnderTest, make_cache: MakeCache
) -> None:
    cache = make_cache(redis.url, limit_s=10.0)
    for _ in range(2):
        await _put(cache, {KEY: ONE})
        assert await _get(cache, [KEY]) == {KEY: ONE}
        redis.kill()
        redis.start()
        assert await _get(cache, [KEY]) == {}


async def test_a_server_that_is_gone_is_left_alone_and_found_again(
    redis: RedisServerUnderTest, make_cache: MakeCache, caplog: pytest.LogCaptureFixture
) -> None:
    cache = make_cache(redis.url)
    await _is_back(cache)
    redis.kill()
    await _until_left_alone(cache)
    redis.start()
    await _is_back(cache)
    assert [record.levelname for record in caplog.records].count("WARNING") <= 2  # reading, writing


async def test_a_server_that_hangs_costs_the_limit_a_few_times_and_is_found_again(
    redis: RedisServerUnderTest, make_cache: MakeCache
) -> None:
    cache = make_cache(redis.url)
    await _is_back(cache)
    redis.hang()
    await _until_left_alone(cache)
    redis.go_on()
    await _is_back(cache)


async def test_it_is_connected_before_anybody_asks(redis: RedisServerUnderTest, make_cache: MakeCache) -> None:
    cache = make_cache(redis.url)
    before = await _connections(cache)
    warm = make_cache(redis.url)
    warm.warm_up()
    for _ in range(100):
        if await _connections(cache) > before:
            return
        await asyncio.sleep(0.02)
    pytest.fail("no connection was made")


async def _connections(cache: RedisPredictionCache) -> int:
    return len(await cache._redis.client_list())


async def test_warming_up_with_a_server_that_is_away_raises_nothing(
    redis: RedisServerUnderTest, make_cache: MakeCache
) -> None:
    redis.kill()
    make_cache(redis.url).warm_up()
    await asyncio.sleep(0.05)
    redis.start()
    await _is_back(make_cache(redis.url))


async def test_a_server_that_starts_later_is_found(redis: RedisServerUnderTest, make_cache: MakeCache) -> None:
    redis.kill()
    cache = make_cache(redis.url)
    await _until_left_alone(cache)
    redis.start()
    await _is_back(cache)


async def test_a_query_with_less_time_than_the_limit_waits_no_longer_than_it_has(
    redis: RedisServerUnderTest, make_cache: MakeCache
) -> None:
    cache = make_cache(redis.url, limit_s=60.0)
    await _is_back(cache)
    redis.hang()
    began = CLOCK.now()
    with pytest.raises(StoreUnavailableError, match="deadline"):
        await _get(cache, [KEY], deadline=Deadline(began + 0.1))
    assert 0.09 < CLOCK.now() - began < 0.1 + SLACK_S


async def test_no_answer_goes_to_another_question_however_many_give_up(
    redis: RedisServerUnderTest, make_cache: MakeCache
) -> None:
    cache, chance = make_cache(redis.url, limit_s=0.05), random.Random(1)
    keys = [CacheKey(number.to_bytes(32, "big")) for number in range(200)]
    await _put(make_cache(redis.url, limit_s=10.0), {key: OutputJson(b"%d" % key[-1]) for key in keys})
    answered = 0

    async def ask() -> None:
        nonlocal answered
        for _ in range(50):
            asked = chance.sample(keys, 5)
            try:
                found = await asyncio.wait_for(_get(cache, asked, ttl_s=chance.choice([None, 60])), 0.01)
            except (StoreUnavailableError, TimeoutError):
                await asyncio.sleep(0.005)
                continue
            assert found == {key: b"%d" % key[-1] for key in asked}
            answered += 1

    async def trouble() -> None:
        for _ in range(10):
            await asyncio.sleep(0.05)
            redis.hang()
            await asyncio.sleep(0.03)
            redis.go_on()

    await asyncio.gather(trouble(), *(ask() for _ in range(20)))
    assert answered > 0
    await _is_back(cache)


async def test_a_password_opens_and_none_or_a_wrong_one_does_not(
    redis_is_installed: None, tmp_path: Path, make_cache: MakeCache, caplog: pytest.LogCaptureFixture
) -> None:
    with redis_server(tmp_path, ["--requirepass", "s3cret"]) as server:
        await _is_back(make_cache(f"redis://:s3cret@127.0.0.1:{server.port}"))
        for url in (server.url, f"redis://:wr0ng@127.0.0.1:{server.port}"):
            cache = make_cache(url)
            for _ in range(5):
                await _is_away(cache)
                await asyncio.sleep(0.02)
    assert "not available" in caplog.text
    assert "s3cret" not in caplog.text
    assert "wr0ng" not in caplog.text


async def test_a_user_needs_four_commands_and_the_keys_of_the_cache(
    redis_is_installed: None, tmp_path: Path, make_cache: MakeCache
) -> None:
    rights = "on >s3cret ~clipper-sls:* +mget +mset +set +pttl"
    with redis_server(tmp_path, ["--user", "cache", *rights.split()]) as server:
        cache = make_cache(f"redis://cache:s3cret@127.0.0.1:{server.port}")
        await _is_back(cache)
        await _put(cache, {OTHER: ONE}, ttl_s=60)
        assert await _get(cache, [OTHER], ttl_s=60) == {OTHER: ONE}


async def test_a_unix_socket_and_a_database_by_number_will_do(
    redis: RedisServerUnderTest, make_cache: MakeCache
) -> None:
    await _is_back(make_cache(f"unix://{redis.socket_path}"))
    assert await _get(make_cache(redis.url), [KEY]) == {KEY: ONE}
    assert await _get(make_cache(f"{redis.url}?cluster=false"), [KEY]) == {KEY: ONE}
    assert await _get(make_cache(f"{redis.url}/3"), [KEY]) == {}


async def test_clusters_share_a_server_and_no_answers(redis: RedisServerUnderTest, make_cache: MakeCache) -> None:
    await _put(make_cache(redis.url, "mine"), {KEY: ONE})
    assert await _get(make_cache(redis.url, "mine"), [KEY]) == {KEY: ONE}
    assert await _get(make_cache(redis.url, "another"), [KEY]) == {}


async def test_a_full_server_that_gives_nothing_up_still_answers(
    redis_is_installed: None, tmp_path: Path, make_cache: MakeCache
) -> None:
    with redis_server(tmp_path, ["--maxmemory-policy", "noeviction"]) as server:
        cache = make_cache(server.url)
        await _put(cache, {KEY: ONE})
        await cache._redis.config_set("maxmemory", "1")
        for _ in range(5):
            with pytest.raises(StoreUnavailableError):
                await _put(cache, {OTHER: ONE})
            await asyncio.sleep(0.02)
            assert await _get(cache, [KEY, OTHER]) == {KEY: ONE}


async def test_a_full_server_with_a_policy_takes_what_is_new(
    redis_is_installed: None, tmp_path: Path, make_cache: MakeCache
) -> None:
    with redis_server(tmp_path, ["--maxmemory", "4mb", "--maxmemory-policy", "allkeys-lru"]) as server:
        cache = make_cache(server.url, limit_s=10.0)
        for number in range(1_000):
            key = CacheKey(number.to_bytes(32, "big"))
            await _put(cache, {key: OutputJson(b"1" * 10_000)})
            assert key in await _get(cache, [key])


async def test_a_read_only_copy_answers_and_takes_nothing(
    redis_is_installed: None, tmp_path: Path, make_cache: MakeCache
) -> None:
    at_once = ("--repl-diskless-sync-delay", "0")  # else a copy is made after five seconds
    with (
        redis_server(tmp_path / "original", at_once) as original,
        redis_server(tmp_path / "copy", ["--replicaof", "127.0.0.1", str(original.port)]) as copy,
    ):
        await _is_back(make_cache(original.url))
        cache = make_cache(copy.url)
        for _ in range(round(BACK_LIMIT_S / 0.02)):
            if await _get(cache, [KEY]):
                break
            await asyncio.sleep(0.02)
        for _ in range(5):
            with pytest.raises(StoreUnavailableError):
                await _put(cache, {OTHER: ONE})
            await asyncio.sleep(0.02)
        assert await _get(cache, [KEY, OTHER]) == {KEY: ONE}


async def test_what_is_left_of_a_time_to_live_comes_with_the_output(
    redis: RedisServerUnderTest, make_cache: MakeCache
) -> None:
    cache, keys = make_cache(redis.url, limit_s=10.0), [CacheKey(n.to_bytes(32, "big")) for n in range(MAX_LIVES + 5)]
    now = CLOCK.now()
    await _put(cache, dict.fromkeys(keys, ONE), ttl_s=60)
    found = await cache.find(keys, can_expire=True, deadline=Deadline(now + 60))
    assert list(found) == keys
    assert all(now + 59 < found[key].expires_at <= CLOCK.now() + 60 for key in keys[:MAX_LIVES])
    assert all(found[key].expires_at <= CLOCK.now() for key in keys[MAX_LIVES:])


@pytest.mark.parametrize(
    "reply",
    [
        b"-LOADING Redis is loading the dataset in memory\r\n",
        b"-MASTERDOWN Link with MASTER is down\r\n",
        b"-NOPERM this user has no permissions\r\n",
        b"-ERR \xff\xfe\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"*1\r\n$1\r\n1\r\n",  # one answer to two questions
        b"*3\r\n$1\r\n1\r\n$1\r\n1\r\n$1\r\n1\r\n",
        b":5\r\n",
        b"$-1\r\n",
        b"$3\r\nab",
        b"\x00\xff\x00\xff\r\n",
        b"",
    ],
)
async def test_whatever_a_server_answers_that_is_no_answer_is_a_server_that_is_away(
    reply: bytes, make_cache: MakeCache
) -> None:
    async with _server_that_says(reply) as url:
        cache = make_cache(url)
        for _ in range(3):
            assert await _is_away(cache) < LIMIT_S + SLACK_S
        await cache.close()


async def test_what_is_no_text_is_no_output(make_cache: MakeCache) -> None:
    async with _server_that_says(b"*2\r\n:1\r\n$1\r\n1\r\n") as url:
        cache = make_cache(url)
        assert await _get(cache, [KEY, OTHER]) == {OTHER: ONE}
        await cache.close()


@asynccontextmanager
async def _server_that_says(reply: bytes) -> AsyncIterator[str]:
    """To everything; and hangs up when there is nothing to say."""
    ended: list[asyncio.Future[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended.append(asyncio.get_running_loop().create_future())
        end = ended[-1]
        while await reader.read(65536) and reply:
            writer.write(reply)
        writer.close()
        end.set_result(None)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    await asyncio.gather(*ended)
    server.close()
    await server.wait_closed()
