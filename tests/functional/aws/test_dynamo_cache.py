"""The cache in a DynamoDB that others wrote: what it keeps, what it passes over, and that it may go away."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from clipper_sls.adapters.aws.dynamodb.prediction_cache import (
    LONGEST_LIFE_S,
    MAX_OUTPUT_BYTES,
    DynamoPredictionCache,
)
from clipper_sls.adapters.aws.dynamodb.table import DynamoTable
from clipper_sls.adapters.aws.dynamodb.tables import CACHE, TTL_ATTRIBUTE
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import OutputJson
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.ports.prediction_cache import FOREVER, NEVER, Kept
from clipper_sls.testing.dynamodb import MakeTable, aws_client, boto3_client, create_table, remove_table
from clipper_sls.testing.ports import free_port

LIMIT_S = 20.0
CLOCK = SystemClock()
KEY, OTHER = CacheKey(bytes(32)), CacheKey(b"\xff\r\n\0" * 8)
ONE = OutputJson(b"1")

Open = Callable[..., DynamoPredictionCache]


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """Caches, closed at the end."""
    async with AsyncExitStack() as stack:

        def open_cache(table: DynamoTable, limit_s: float = LIMIT_S) -> DynamoPredictionCache:
            cache = DynamoPredictionCache(table, clock=CLOCK, limit_s=limit_s)
            stack.push_async_callback(cache.close)
            return cache

        yield open_cache


async def _get(cache: DynamoPredictionCache, *keys: CacheKey) -> dict[CacheKey, OutputJson]:
    found = await cache.find(keys, can_expire=False, deadline=FOREVER)
    return {key: kept.output for key, kept in found.items()}


async def test_more_than_one_request_takes_are_kept_and_found_in_one_go(new_table: MakeTable, opened: Open) -> None:
    cache = opened(new_table(CACHE))
    keys = [CacheKey(number.to_bytes(32, "big")) for number in range(230)]
    await cache.keep({key: Kept(OutputJson(key[-2:]), NEVER) for key in keys})
    assert await _get(cache, *keys, OTHER) == {key: key[-2:] for key in keys}


async def test_the_largest_output_is_kept_and_a_larger_one_passed_over(new_table: MakeTable, opened: Open) -> None:
    cache = opened(new_table(CACHE))
    largest, larger = (OutputJson(b"1" * size) for size in (MAX_OUTPUT_BYTES, MAX_OUTPUT_BYTES + 1))
    await cache.keep({KEY: Kept(largest, NEVER), OTHER: Kept(larger, NEVER)})
    assert await _get(cache, KEY, OTHER) == {KEY: largest}


async def test_an_answer_of_more_than_aws_gives_at_a_time_comes_in_parts(new_table: MakeTable, opened: Open) -> None:
    """A response has 16 MB at most, what does not fit is among its UnprocessedKeys."""
    cache = opened(new_table(CACHE))
    keys = [CacheKey(number.to_bytes(32, "big")) for number in range(60)]
    output = OutputJson(b"1" * MAX_OUTPUT_BYTES)
    for start in range(0, len(keys), 20):
        await cache.keep({key: Kept(output, NEVER) for key in keys[start : start + 20]})
    assert (await _get(cache, *keys)).keys() == set(keys)


async def test_any_bytes_come_back_as_they_were(new_table: MakeTable, opened: Open) -> None:
    cache, output = opened(new_table(CACHE)), OutputJson(bytes(range(256)))
    await cache.keep({OTHER: Kept(output, NEVER)})
    assert await _get(cache, OTHER) == {OTHER: output}


async def test_what_is_left_of_a_time_to_live_comes_with_the_output(new_table: MakeTable, opened: Open) -> None:
    cache, now = opened(new_table(CACHE)), CLOCK.now()
    await cache.keep({KEY: Kept(ONE, now + 60), OTHER: Kept(ONE, now + 0.0001)})
    found = await cache.find([KEY, OTHER], can_expire=True, deadline=FOREVER)
    assert list(found) == [KEY]
    assert abs(found[KEY].expires_at - (now + 60)) < 0.1
    assert (await cache.find([KEY], can_expire=False, deadline=FOREVER))[KEY].expires_at == NEVER


async def test_every_item_says_by_when_aws_removes_it(new_table: MakeTable, opened: Open, dynamodb_url: str) -> None:
    table = new_table(CACHE)
    cache, began = opened(table), CLOCK.wall()
    await cache.keep({KEY: Kept(ONE, NEVER), OTHER: Kept(ONE, CLOCK.now() + 60)})
    client = boto3_client(dynamodb_url)
    times = {item["key"]["B"]: int(item[TTL_ATTRIBUTE]["N"]) for item in client.scan(TableName=table.name)["Items"]}
    client.close()
    assert 0 <= times[KEY] - (began + LONGEST_LIFE_S) < 10
    assert 0 <= times[OTHER] - (began + 60) < 10


async def test_a_table_that_is_taken_away_is_left_alone_and_found_again(
    new_table: MakeTable, opened: Open, dynamodb_url: str
) -> None:
    table = new_table(CACHE)
    cache, client = opened(table), boto3_client(dynamodb_url)
    await cache.keep({KEY: Kept(ONE, NEVER)})
    remove_table(client, table.name)
    for _ in range(4):
        with pytest.raises(StoreUnavailableError):
            await _get(cache, KEY)
        await CLOCK.sleep_until(CLOCK.now() + 0.02)
    with pytest.raises(StoreUnavailableError, match="not asked for a moment"):
        await _get(cache, KEY)
    create_table(client, table.name, CACHE)
    async with asyncio.timeout(20):
        while True:
            try:
                await cache.keep({KEY: Kept(ONE, NEVER)})
                assert await _get(cache, KEY) == {KEY: ONE}
                break
            except StoreUnavailableError:
                await CLOCK.sleep_until(CLOCK.now() + 0.02)
    client.close()


async def test_who_waits_waits_no_longer_than_the_limit(opened: Open) -> None:
    async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(never_answer, "127.0.0.1", 0)
    client = aws_client(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    cache = opened(DynamoTable(client, "t", clock=CLOCK, limit_s=1.0), limit_s=0.05)
    began = CLOCK.now()
    with pytest.raises(StoreUnavailableError, match="within 50 ms"):
        await _get(cache, KEY)
    assert CLOCK.now() - began < 0.5
    await cache.close()
    await client.close()
    server.close()


async def test_an_address_where_nobody_is_counts_as_away(opened: Open) -> None:
    client = aws_client(f"http://127.0.0.1:{free_port()}")
    cache = opened(DynamoTable(client, "t", clock=CLOCK, limit_s=1.0))
    cache.warm_up()
    with pytest.raises(StoreUnavailableError):
        await _get(cache, KEY)
    await client.close()
