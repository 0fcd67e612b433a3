"""The registry in a DynamoDB that others wrote: large, changed by many, by processes that are killed; taken away."""

import asyncio
import itertools
import random
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from clipper_sls.adapters.aws.dynamodb.registry import DynamoRegistry
from clipper_sls.adapters.aws.dynamodb.table import DynamoTable
from clipper_sls.adapters.aws.dynamodb.tables import REGISTRY
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.domain import changes
from clipper_sls.domain.changes import Delete, Put
from clipper_sls.domain.identifiers import AppName, ModelId, ModelName, Version
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.query import Deadline, Predicted, Query
from clipper_sls.domain.records import Application, Link, ModelVersion, Scaling
from clipper_sls.errors import StaleWriteError, StoreError, StoreUnavailableError
from clipper_sls.service.model_answers import ModelAnswers
from clipper_sls.service.predict import PredictionService
from clipper_sls.service.registry_view import RegistryView
from clipper_sls.testing import FakeInvoker, RecordingMetrics
from clipper_sls.testing.dynamodb import MakeTable, aws_client, boto3_client, remove_table
from clipper_sls.testing.fakes import constant
from clipper_sls.testing.faulty_proxy import Answer, CutAnswer, Deed, DropRequest, Fault, LeaveAlone, faulty_proxy
from clipper_sls.testing.ports import free_port

WRITER = Path(__file__).with_name("registry_writer.py")
CLOCK = SystemClock()
MAX_ITEM_BYTES = 400 * 1024
SHOP = Application(AppName("shop"), InputType.DOUBLES, "0", 20_000_000)


def _registry(table: DynamoTable) -> DynamoRegistry:
    """As another process would have it: it has read nothing."""
    return DynamoRegistry(table, new_id=lambda: uuid4().hex)


def _version(number: int) -> ModelVersion:
    return ModelVersion(
        ModelId.of(f"model-{number % 7}", str(number)), InputType.DOUBLES, bundle_digest=f"{number:064}"
    )


def _application(name: str) -> Application:
    return Application(AppName(name), InputType.JSON, "", 1)


def _items(url: str, table: str) -> list[dict]:
    client = boto3_client(url)
    items = [item for page in client.get_paginator("scan").paginate(TableName=table) for item in page["Items"]]
    client.close()
    return items


async def test_a_registry_of_thousands_of_versions_works(new_table: MakeTable, dynamodb_url: str) -> None:
    table = new_table(REGISTRY)
    registry, versions = _registry(table), [_version(number) for number in range(5_000)]
    for revision, start in enumerate(range(0, 5_000, 1_000)):
        await registry.commit([Put(version) for version in versions[start : start + 1_000]], revision)
    await _registry(table).commit([Delete(versions[2_500]), Put(SHOP)], 5)
    found = await _registry(table).snapshot()
    assert (found, found.revision) == (await registry.snapshot(), 6)
    assert list(found.versions) == [version.id for version in versions if version is not versions[2_500]]
    items = _items(dynamodb_url, table.name)
    assert max(len(str(item)) for item in items) < MAX_ITEM_BYTES
    assert any('version {"name":"model-3","version":"3"' in item.get("records", {}).get("S", "") for item in items)


async def test_of_many_who_change_it_at_once_none_loses_a_change(new_table: MakeTable, dynamodb_url: str) -> None:
    table = new_table(REGISTRY)

    async def change(writer: int) -> None:
        view = RegistryView(registry=_registry(table), clock=CLOCK)
        for turn in range(4):
            while True:
                try:
                    await view.commit(lambda snapshot: [Put(_application(f"app-{writer}-{turn}"))])  # noqa: B023
                    break
                except StaleWriteError:
                    continue  # ten times in a row others were faster

    await asyncio.gather(*map(change, range(6)))
    found = await _registry(table).snapshot()
    assert (found.revision, len(found.applications)) == (24, 24)
    await _registry(table).commit([Put(SHOP)], 24)
    assert len(_items(dynamodb_url, table.name)) == 3, "a head, its page, and that of the head before"


HEAD_READ, PAGES_READ, PAGES_WRITTEN, HEAD_MOVED, OLD_PAGES_SOUGHT = range(1, 6)
"""The calls of a writer, in turn."""


@pytest.mark.parametrize(
    ("call", "when", "is_made"),
    [
        (PAGES_WRITTEN, "before", False),
        (PAGES_WRITTEN, "after", False),
        (HEAD_MOVED, "after", True),
        (OLD_PAGES_SOUGHT, "after", True),
    ],
)
async def test_a_writer_that_is_killed_leaves_all_of_its_change_or_nothing(
    call: int, when: str, is_made: bool, new_table: MakeTable, dynamodb_url: str
) -> None:
    table = new_table(REGISTRY)
    before = await _registry(table).commit([Put(SHOP)], 0)
    await _killed_writer(dynamodb_url, table.name, "app", call, when)
    found = await _registry(table).snapshot()
    assert found.revision == before.revision + is_made
    assert sorted(found.applications) == (["app", "shop"] if is_made else ["shop"])
    after = await _registry(table).commit([Put(_application("last"))], found.revision)
    assert after == await _registry(table).snapshot()
    assert len(_items(dynamodb_url, table.name)) == 3


async def test_what_many_killed_writers_left_goes_with_the_next_change(new_table: MakeTable, dynamodb_url: str) -> None:
    table = new_table(REGISTRY)
    before = await _registry(table).commit([Put(SHOP)], 0)
    await asyncio.gather(
        *(_killed_writer(dynamodb_url, table.name, f"app-{n}", PAGES_WRITTEN, "after") for n in range(3))
    )
    assert len(_items(dynamodb_url, table.name)) == 2 + 3
    assert await _registry(table).snapshot() == before
    await _registry(table).commit([Put(_application("last"))], before.revision)
    assert len(_items(dynamodb_url, table.name)) == 3


async def _killed_writer(url: str, table: str, application: str, call: int, when: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, WRITER, url, table, application, str(call), when, stdout=subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert (process.returncode, output) == (-signal.SIGKILL, b"")


@pytest.mark.parametrize("deed", [CutAnswer(0), CutAnswer(1), DropRequest(None), DropRequest(20), Answer(500)])
async def test_a_change_is_made_once_whatever_becomes_of_one_request(
    deed: Deed, new_table: MakeTable, dynamodb_url: str
) -> None:
    """The answer is lost after the change was made, or the request before; it is sent again."""
    table = new_table(REGISTRY)
    await _registry(table).commit([Put(_application("first"))], 0)
    with faulty_proxy(urlsplit(dynamodb_url).netloc) as proxy:
        client = aws_client(f"http://{proxy.host}")
        registry = _registry(DynamoTable(client, table.name, clock=CLOCK, limit_s=30.0))
        for revision in range(1, 5):
            known = await registry.snapshot()
            for _ in range(revision - 1):
                proxy.fail(Fault("POST", "/", LeaveAlone()))
            proxy.fail(Fault("POST", "/", deed))
            found = await registry.commit([Put(_application(f"app-{revision}"))], known.revision)
            assert found.revision == known.revision + 1
            assert all(fault.times == 0 for fault in proxy.faults) or revision == 4
        await client.close()
    assert await _registry(table).snapshot() == found
    await _registry(table).commit([Put(SHOP)], found.revision)
    assert len(_items(dynamodb_url, table.name)) == 3


async def test_with_much_trouble_on_the_way_nothing_acknowledged_is_lost(
    new_table: MakeTable, dynamodb_url: str
) -> None:
    table, chance = new_table(REGISTRY), random.Random(random.SystemRandom().randrange(2**32))
    acknowledged: set[str] = set()
    deeds = [CutAnswer(0), DropRequest(None), Answer(500), Answer(503)]
    with faulty_proxy(urlsplit(dynamodb_url).netloc) as proxy:
        for _ in range(400):
            proxy.fail(Fault("POST", "/", chance.choice(deeds) if chance.random() < 0.25 else LeaveAlone()))

        async def change(writer: int) -> None:
            client = aws_client(f"http://{proxy.host}")
            registry = _registry(DynamoTable(client, table.name, clock=CLOCK, limit_s=5.0))
            view = RegistryView(registry=registry, clock=CLOCK)
            for turn in range(5):
                name = f"app-{writer}-{turn}"
                try:
                    await view.commit(lambda snapshot: [Put(_application(name))])  # noqa: B023
                except (StoreError, StaleWriteError):
                    continue
                acknowledged.add(name)
            await client.close()

        await asyncio.gather(*map(change, range(3)))
    found = await _registry(table).snapshot()
    assert acknowledged
    assert acknowledged <= set(map(str, found.applications))
    assert found.revision == len(found.applications)
    await _registry(table).commit([Put(SHOP)], found.revision)
    assert len(_items(dynamodb_url, table.name)) == 3


async def test_a_table_that_is_not_there_is_a_store_that_is_away(dynamodb_url: str) -> None:
    client = aws_client(dynamodb_url)
    registry = _registry(DynamoTable(client, "no-such-table", clock=CLOCK, limit_s=10.0))
    with pytest.raises(StoreUnavailableError, match="no table no-such-table in DynamoDB; is the stack deployed"):
        await registry.snapshot()
    with pytest.raises(StoreUnavailableError, match="no-such-table"):
        await registry.commit([Put(SHOP)], 0)
    await client.close()


async def test_a_table_with_other_keys_is_a_store_that_is_away(dynamodb_url: str) -> None:
    client = aws_client(dynamodb_url)
    table = DynamoTable(client, "t", clock=CLOCK, limit_s=10.0)
    with pytest.raises(StoreUnavailableError):
        await table.get({"other": {"S": "x"}}, table.deadline())
    await client.close()


async def test_a_table_that_is_throttled_for_too_long_is_a_store_that_is_away(
    new_table: MakeTable, dynamodb_url: str
) -> None:
    table = new_table(REGISTRY)
    with faulty_proxy(urlsplit(dynamodb_url).netloc) as proxy:
        proxy.fail(Fault("POST", "/", Answer(429), times=1_000))
        client = aws_client(f"http://{proxy.host}")
        registry, began = _registry(DynamoTable(client, table.name, clock=CLOCK, limit_s=0.5)), CLOCK.now()
        with pytest.raises(StoreUnavailableError, match="more than it gives at a time"):
            await registry.snapshot()
        assert CLOCK.now() - began < 5
        proxy.faults.clear()
        assert (await registry.snapshot()).revision == 0
        await client.close()


async def test_an_address_where_nobody_answers_is_a_store_that_is_away() -> None:
    client = aws_client(f"http://127.0.0.1:{free_port()}")
    registry = _registry(DynamoTable(client, "t", clock=CLOCK, limit_s=0.5))
    with pytest.raises(StoreUnavailableError, match="cannot be reached"):
        await registry.snapshot()
    await client.close()


async def test_predictions_go_on_when_the_table_is_taken_away_under_them(
    new_table: MakeTable, dynamodb_url: str
) -> None:
    table = new_table(REGISTRY)
    one, two = (ModelVersion(ModelId.of("price", v), InputType.DOUBLES, scaling=Scaling(1, 1)) for v in ("1", "2"))
    manager = RegistryView(registry=_registry(table), clock=CLOCK)
    await manager.commit(lambda snapshot: [Put(SHOP), Put(Link(SHOP.name, one.id.name))])
    for version in (one, two):
        await manager.commit(lambda snapshot: changes.register_version(snapshot, version))  # noqa: B023

    view = RegistryView(registry=_registry(table), clock=CLOCK, max_age_s=0.01)
    invoker = FakeInvoker({one.id: constant(b"1"), two.id: constant(b"2")})
    metrics = RecordingMetrics()
    answers = ModelAnswers(invoker=invoker, cache=None, clock=CLOCK, metrics=metrics)
    service = PredictionService(
        registry=view, answers=answers, clock=CLOCK, metrics=metrics, query_ids=itertools.count()
    )

    async def ask() -> bytes:
        application = await service.application("shop")
        deadline = Deadline(CLOCK.now() + application.slo_s)
        (result,) = await service.ask(Query(application.name, application.input_type, [b"row"], deadline))
        assert isinstance(result, Predicted), result
        return result.output

    async def until(output: bytes) -> None:
        async with asyncio.timeout(30):
            while await ask() != output:
                await CLOCK.sleep_until(CLOCK.now() + 0.005)

    await view.load()
    assert await ask() == b"2"
    await manager.commit(lambda snapshot: changes.set_current(snapshot, ModelName("price"), Version("1"), 1.0))
    await until(b"1")

    client = boto3_client(dynamodb_url)
    remove_table(client, table.name)
    client.close()
    with pytest.raises(StoreUnavailableError):
        await view.load()
    began, asked = CLOCK.now(), 0
    while CLOCK.now() - began < 0.3:
        assert await ask() == b"1"
        asked += 1
    assert asked > 20
    with pytest.raises(StoreUnavailableError):
        await manager.commit(lambda snapshot: [Delete(SHOP)])
    assert await ask() == b"1"
    await view.close()
