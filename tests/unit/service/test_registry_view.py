import asyncio
from collections.abc import Sequence

import pytest

from clipper_sls.adapters.local.memory_registry import MemoryRegistry
from clipper_sls.domain import changes
from clipper_sls.domain.changes import Change, Put
from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import Application, RegistrySnapshot
from clipper_sls.errors import ApplicationExistsError, StaleWriteError, StoreUnavailableError
from clipper_sls.service.registry_view import RegistryView


def application(name: str) -> Application:
    return Application(AppName(name), InputType.DOUBLES, "0", 1)


def adding(name: str):
    return lambda snapshot: changes.register_application(snapshot, application(name))


async def test_a_change_is_seen_as_soon_as_it_is_committed(world) -> None:
    view = await world.view()
    await view.commit(adding("shop"))
    assert list(view.snapshot.applications) == ["shop"]


async def test_when_another_was_faster_it_is_decided_again_on_what_they_left(world) -> None:
    view = await world.view()
    await world.registry.commit([Put(application("bank"))], 0)
    await view.commit(adding("shop"))
    assert sorted(view.snapshot.applications) == ["bank", "shop"]


async def test_what_another_did_may_make_it_impossible(world) -> None:
    view = await world.view()
    await world.registry.commit([Put(application("shop"))], 0)
    with pytest.raises(ApplicationExistsError):
        await view.commit(adding("shop"))


async def test_of_many_changes_at_once_none_is_lost(world) -> None:
    view = await world.view()
    await asyncio.gather(*(view.commit(adding(f"app-{number}")) for number in range(8)))
    assert len((await world.registry.snapshot()).applications) == 8


async def test_a_decision_that_changes_nothing_writes_nothing(world) -> None:
    view = await world.view()
    assert (await view.commit(lambda snapshot: ())).revision == 0


class AlwaysStale(MemoryRegistry):
    async def commit(self, changes: Sequence[Change], expected_revision: int) -> RegistrySnapshot:
        raise StaleWriteError("again")


async def test_it_gives_up_in_the_end(world) -> None:
    world.registry = AlwaysStale()
    view = RegistryView(registry=world.registry, clock=world.clock)
    with pytest.raises(StaleWriteError, match="try again"):
        await view.commit(adding("shop"))


async def test_a_snapshot_over_the_age_limit_is_read_again(world) -> None:
    view = await world.view(max_age_s=5.0)
    await world.registry.commit([Put(application("shop"))], 0)
    await world.clock.advance(5.0)
    assert not (await view.fresh()).applications
    await world.clock.advance(0.1)
    assert (await view.fresh()).applications


class Failing(MemoryRegistry):
    """While it `fails`; counts how often it is asked, and answers once it `may_answer`."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = True
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def snapshot(self) -> RegistrySnapshot:
        self.asked += 1
        await self.may_answer.wait()
        if self.fails:
            raise StoreUnavailableError("no store")
        return await super().snapshot()


async def test_when_the_store_fails_the_old_snapshot_goes_on_serving(world) -> None:
    registry = Failing()
    registry.fails = False
    await registry.commit([Put(application("shop"))], 0)
    view = RegistryView(registry=registry, clock=world.clock, max_age_s=1.0)
    await view.fresh()
    registry.fails = True
    await world.clock.advance(1.1)
    assert (await view.fresh()).applications


async def test_who_knows_nothing_yet_waits_and_says_when_the_store_fails(world) -> None:
    registry = Failing()
    view = RegistryView(registry=registry, clock=world.clock, max_age_s=1.0, patience_s=0.0)
    for _ in range(2):
        with pytest.raises(StoreUnavailableError, match="no store"):
            await view.fresh()
    assert registry.asked == 1
    registry.fails = False
    await world.clock.advance(1.1)
    assert await view.fresh() == RegistrySnapshot()


async def test_a_store_that_fails_is_asked_once_in_a_while_and_heard_again(world, caplog) -> None:
    registry = Failing()
    view = RegistryView(registry=registry, clock=world.clock, max_age_s=1.0)
    view.remember(RegistrySnapshot())
    await world.clock.advance(1.1)
    for _ in range(5):
        await view.fresh()
    assert (registry.asked, view.is_fresh) == (1, True)
    await world.clock.advance(1.1)
    await view.fresh()
    assert registry.asked == 2
    assert len(caplog.records) == 1
    registry.fails = False
    await registry.commit([Put(application("shop"))], 0)
    await world.clock.advance(1.1)
    assert list((await view.fresh()).applications) == ["shop"]


async def test_who_asks_meanwhile_shares_one_reading(world) -> None:
    registry = Failing()
    registry.fails = False
    view = RegistryView(registry=registry, clock=world.clock, max_age_s=1.0)
    await asyncio.gather(*(view.fresh() for _ in range(10)))
    assert registry.asked == 1


async def test_nobody_waits_for_a_store_that_hangs_longer_than_patience_lasts(world) -> None:
    registry = Failing()
    registry.fails = False
    await registry.commit([Put(application("shop"))], 0)
    registry.may_answer.clear()
    view = RegistryView(registry=registry, clock=world.clock, max_age_s=1.0, patience_s=0.01)
    view.remember(RegistrySnapshot())
    await world.clock.advance(1.1)
    assert not (await view.fresh()).applications
    assert view.is_fresh, "the next one does not wait at all"
    registry.may_answer.set()
    await world.clock.advance(1.1)
    assert (await view.fresh()).applications
    assert registry.asked == 2, "the commit's own, and one reading, which went on"


async def test_closing_ends_a_reading_that_hangs(world) -> None:
    registry = Failing()
    registry.may_answer.clear()
    view = RegistryView(registry=registry, clock=world.clock, max_age_s=1.0, patience_s=0.01)
    view.remember(RegistrySnapshot())
    await world.clock.advance(1.1)
    await view.fresh()
    await view.close()
    await view.close()


class Replaceable(MemoryRegistry):
    """A store whose content is another one's from some moment on."""

    def __init__(self) -> None:
        super().__init__()
        self.content = MemoryRegistry()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def snapshot(self) -> RegistrySnapshot:
        found = await self.content.snapshot()
        await self.may_answer.wait()
        return found

    async def commit(self, changes: Sequence[Change], expected_revision: int) -> RegistrySnapshot:
        return await self.content.commit(changes, expected_revision)


async def _with_two_changes(world) -> tuple[Replaceable, RegistryView]:
    registry = Replaceable()
    view = RegistryView(registry=registry, clock=world.clock, max_age_s=1.0)
    for name in ("shop", "bank"):
        await view.commit(adding(name))
    return registry, view


async def test_a_store_that_was_put_back_to_an_earlier_revision_counts(world) -> None:
    registry, view = await _with_two_changes(world)
    registry.content = MemoryRegistry()
    await registry.content.commit([Put(application("shop"))], 0)
    await world.clock.advance(1.1)
    assert list((await view.fresh()).applications) == ["shop"]
    await view.commit(adding("mill"))
    assert sorted((await registry.snapshot()).applications) == ["mill", "shop"]


async def test_a_store_that_was_lost_and_made_anew_does_not(world) -> None:
    registry, view = await _with_two_changes(world)
    registry.content = MemoryRegistry()
    await world.clock.advance(1.1)
    assert sorted((await view.fresh()).applications) == ["bank", "shop"]


async def test_a_reading_that_a_commit_overtakes_is_no_store_that_was_put_back(world) -> None:
    registry, view = await _with_two_changes(world)
    registry.may_answer.clear()
    reading = asyncio.create_task(view.load())
    await asyncio.sleep(0)
    await view.commit(adding("mill"))
    registry.may_answer.set()
    assert len((await reading).applications) == 3
