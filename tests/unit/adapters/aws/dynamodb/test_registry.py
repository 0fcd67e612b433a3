"""Writers that meet in every order, lose answers and end at any moment; readers who come in between."""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipper_sls.adapters.aws.dynamodb.registry import PARTITION, DynamoRegistry
from clipper_sls.adapters.aws.dynamodb.table import DynamoTable
from clipper_sls.domain.changes import Put
from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import Application, RegistrySnapshot
from clipper_sls.errors import StaleWriteError, StoreUnavailableError
from clipper_sls.testing import ManualClock
from clipper_sls.testing.contracts.registry import RegistryContract
from clipper_sls.testing.fake_dynamodb import FakeDynamo, PendingCall

KEYS = ("partition", "item")


def _application(name: str) -> Application:
    return Application(AppName(name), InputType.JSON, "", 1)


def _registry(dynamo: FakeDynamo, ids: Iterator[int]) -> DynamoRegistry:
    table = DynamoTable(dynamo, "registry", clock=ManualClock(), limit_s=1.0)
    return DynamoRegistry(table, new_id=lambda: f"{next(ids):04}")


class TestOnTheFake(RegistryContract):
    """The fake is as the servers are."""

    @pytest.fixture
    def registry(self) -> DynamoRegistry:
        return _registry(FakeDynamo(KEYS), itertools.count())


@dataclass
class World:
    """What is known of everything that was seen and done."""

    content: dict[int, frozenset[str]] = field(default_factory=lambda: {0: frozenset()})  # by revision
    acknowledged: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    newest_revision: int = 0  # of what any operation has returned

    def saw(self, snapshot: RegistrySnapshot, not_before: int) -> None:
        names = frozenset(map(str, snapshot.applications))
        assert self.content.setdefault(snapshot.revision, names) == names, "one revision, two contents"
        assert snapshot.revision >= not_before, "an operation returned what was out of date when it began"
        assert len(names) == snapshot.revision
        self.newest_revision = max(self.newest_revision, snapshot.revision)


async def _write(world: World, registry: DynamoRegistry, names: list[str]) -> None:
    """Decides again when somebody was faster, as management does; goes on after a failure, as its caller would."""
    known = RegistrySnapshot()
    for name in names:
        not_before = world.newest_revision
        try:
            snapshot = await registry.commit([Put(_application(name))], known.revision)
        except StaleWriteError:
            world.refused.add(name)
            known = await _look(world, registry) or known
        except StoreUnavailableError:
            known = await _look(world, registry) or known
        else:
            world.acknowledged.add(name)
            world.saw(snapshot, not_before + 1)
            known = snapshot


async def _look(world: World, registry: DynamoRegistry) -> RegistrySnapshot | None:
    not_before = world.newest_revision
    try:
        snapshot = await registry.snapshot()
    except StoreUnavailableError:
        return None
    world.saw(snapshot, not_before)
    return snapshot


async def _read(world: World, registry: DynamoRegistry) -> None:
    for _ in range(3):
        await _look(world, registry)


FATES = st.sampled_from(["done"] * 20 + ["stale"] * 2 + ["twice", "lost", "lost but done", "killed", "killed but done"])


async def _drive(data: st.DataObject, dynamo: FakeDynamo, tasks: list["asyncio.Task[None]"]) -> None:
    while True:
        for _ in range(8):
            await asyncio.sleep(0)
        if not dynamo.pending:
            break
        pending = dynamo.pending[data.draw(st.integers(0, len(dynamo.pending) - 1), label="which")]
        _happen(dynamo, pending, data.draw(FATES, label=pending.operation))
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        assert result is None or isinstance(result, asyncio.CancelledError), result


def _happen(dynamo: FakeDynamo, pending: PendingCall, fate: str) -> None:
    match fate:
        case "done" | "stale":
            dynamo.do(pending, stale=fate == "stale")
        case "twice":
            dynamo.do_twice(pending)
        case "lost" | "lost but done":
            dynamo.lose(pending, is_done=fate == "lost but done")
        case "killed" | "killed but done":
            dynamo.kill(pending, is_done=fate == "killed but done")


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_writers_and_readers_in_any_order_see_one_history(data: st.DataObject) -> None:
    async def run() -> None:
        dynamo, world, ids = FakeDynamo(KEYS, is_stepped=True), World(), itertools.count()
        writers = data.draw(st.integers(1, 4), label="writers")
        tasks = [
            asyncio.create_task(_write(world, _registry(dynamo, ids), [f"w{number}-{turn}" for turn in range(3)]))
            for number in range(writers)
        ]
        tasks.append(asyncio.create_task(_read(world, _registry(dynamo, ids))))
        await _drive(data, dynamo, tasks)
        await _check(dynamo, world, ids)

    asyncio.run(run())


async def _check(dynamo: FakeDynamo, world: World, ids: Iterator[int]) -> None:
    """Nothing acknowledged is lost, nothing refused is there, and one more change leaves nothing over."""
    quiet = FakeDynamo(KEYS)
    quiet.items = dynamo.items
    registry = _registry(quiet, ids)
    found = await registry.snapshot()
    world.saw(found, world.newest_revision)
    names = set(map(str, found.applications))
    assert world.acknowledged <= names
    assert not world.refused & names
    for turn in range(2):
        found = await registry.commit([Put(_application(f"last-{turn}"))], found.revision)
    heads = quiet.items[PARTITION, "head"]
    assert len(heads["pages"]["L"]) == 1
    assert len(quiet.items) == 3, "a head, its page, and that of the head before"
    assert await _registry(quiet, ids).snapshot() == found


async def test_while_nothing_changed_the_head_is_all_that_is_read() -> None:
    dynamo, ids = FakeDynamo(KEYS), itertools.count()
    registry, other = _registry(dynamo, ids), _registry(dynamo, ids)
    await registry.commit([Put(_application("shop"))], 0)
    await other.snapshot()
    dynamo.calls.clear()
    for either in (registry, other):
        assert (await either.snapshot()).revision == 1
    assert dynamo.calls == ["GetItem", "GetItem"]


async def test_a_reader_who_finds_pages_gone_begins_again() -> None:
    dynamo, ids = FakeDynamo(KEYS, is_stepped=True), itertools.count()
    quiet = FakeDynamo(KEYS)
    quiet.items = dynamo.items
    writer = _registry(quiet, ids)
    await writer.commit([Put(_application("a"))], 0)
    reading = asyncio.create_task(_registry(dynamo, ids).snapshot())
    await asyncio.sleep(0)
    dynamo.do(dynamo.pending[0])
    for revision in (1, 2):
        await writer.commit([Put(_application(f"b-{revision}"))], revision)
    while not reading.done():
        await asyncio.sleep(0)
        for pending in [*dynamo.pending]:
            dynamo.do(pending)
    assert (await reading).revision == 3


async def test_a_page_that_a_cheap_read_does_not_see_yet_is_read_again() -> None:
    dynamo, ids = FakeDynamo(KEYS, is_stepped=True), itertools.count()
    quiet = FakeDynamo(KEYS)
    quiet.items = dynamo.items
    await _registry(quiet, ids).commit([Put(_application("a"))], 0)
    reading = asyncio.create_task(_registry(dynamo, ids).snapshot())
    while not reading.done():
        await asyncio.sleep(0)
        for pending in [*dynamo.pending]:
            dynamo.do(pending, stale=True)
    assert list((await reading).applications) == ["a"]
    assert dynamo.calls == ["GetItem", "BatchGetItem", "BatchGetItem"]


async def test_who_removes_old_pages_late_leaves_those_of_the_next_commit() -> None:
    dynamo, ids = FakeDynamo(KEYS, is_stepped=True), itertools.count()
    quiet = FakeDynamo(KEYS)
    quiet.items = dynamo.items
    late = asyncio.create_task(_registry(dynamo, ids).commit([Put(_application("a"))], 0))
    while (await asyncio.sleep(0)) or not any(pending.operation == "Query" for pending in dynamo.pending):
        for pending in [*dynamo.pending]:
            dynamo.do(pending)
    after = await _registry(quiet, ids).commit([Put(_application("b"))], 1)
    while not late.done():
        for pending in [*dynamo.pending]:
            dynamo.do(pending)
        await asyncio.sleep(0)
    assert await _registry(quiet, ids).snapshot() == after


async def test_one_commit_later_a_reader_still_finds_its_pages() -> None:
    dynamo, ids = FakeDynamo(KEYS), itertools.count()
    writer = _registry(dynamo, ids)
    await writer.commit([Put(_application("a"))], 0)
    (page,) = dynamo.items[PARTITION, "head"]["pages"]["L"]
    await writer.commit([Put(_application("b"))], 1)
    assert (PARTITION, page["S"]) in dynamo.items
    await writer.commit([Put(_application("c"))], 2)
    assert (PARTITION, page["S"]) not in dynamo.items


async def test_a_table_made_anew_is_not_taken_for_the_old_one() -> None:
    dynamo, ids = FakeDynamo(KEYS), itertools.count()
    registry, other = _registry(dynamo, ids), _registry(dynamo, ids)
    await registry.commit([Put(_application("old"))], 0)
    dynamo.items.clear()
    assert (await registry.snapshot()).revision == 0
    await other.commit([Put(_application("new"))], 0)
    with pytest.raises(StaleWriteError):
        await registry.commit([Put(_application("x"))], 0)
    assert list((await registry.snapshot()).applications) == ["new"]


@pytest.mark.parametrize("spoilt", ["head", "page", "page without text", "no page", "head of another kind"])
async def test_what_cannot_be_read_is_a_store_that_is_away(spoilt: str) -> None:
    dynamo, ids = FakeDynamo(KEYS), itertools.count()
    await _registry(dynamo, ids).commit([Put(_application("a"))], 0)
    head, page = (PARTITION, "head"), next(key for key in dynamo.items if key != (PARTITION, "head"))
    match spoilt:
        case "head":
            dynamo.items[head] = {**dynamo.items[head], "revision": {"N": "one"}}
        case "head of another kind":
            dynamo.items[head] = {"partition": {"S": PARTITION}, "item": {"S": "head"}}
        case "page":
            dynamo.items[page] = {**dynamo.items[page], "records": {"S": "planet {}"}}
        case "page without text":
            dynamo.items[page] = {"partition": {"S": PARTITION}, "item": {"S": page[1]}}
        case "no page":
            del dynamo.items[page]
    with pytest.raises(StoreUnavailableError, match=r"cannot be read .*; restore the table"):
        await _registry(dynamo, ids).snapshot()
