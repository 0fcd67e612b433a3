"""The two ends of one channel: what is asked, told and counted."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from clipper_sls.adapters.frontends.invoker import LOST
from clipper_sls.adapters.frontends.messages import registered
from clipper_sls.domain.identifiers import AppName, ModelId, ModelName
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.query import Deadline, DefaultReason, OutputJson, Predicted, Unanswered
from clipper_sls.domain.records import Application, Current, Link, RegistrySnapshot, Switch
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.ports.request_forwarder import WholeRequest
from clipper_sls.testing.contracts.model_invoker import ADDER, FOREVER, SILENT, Behind
from clipper_sls.testing.frontends import Linked, linked

SHOP, MODEL = AppName("shop"), ModelId.of("m", 1)
REGISTRY = RegistrySnapshot.of(
    7,
    [
        Application(SHOP, InputType.BYTES, "none", 1_000),
        Application(AppName("bank"), InputType.BYTES, "ü", 2_000),
        ADDER,
        SILENT,
        Link(SHOP, ModelName("adder")),
        Link(AppName("bank"), ModelName("adder")),
        Current(ModelName("adder"), (Switch(ADDER.id.version, 1.5),)),
    ],
)


@pytest.fixture
def behind() -> Behind:
    return Behind()


@pytest.fixture
async def both(behind: Behind) -> AsyncIterator[Linked]:
    async with linked(behind, REGISTRY) as both:
        yield both


async def test_a_registry_arrives_as_it_was_and_is_acknowledged(both: Linked) -> None:
    assert await both.frontend.tell(registered(REGISTRY))
    assert both.told == [REGISTRY]
    assert both.frontend.revision == 7


async def test_when_the_front_end_goes_nobody_waits_for_it_and_what_it_asked_is_abandoned(
    both: Linked, behind: Behind
) -> None:
    asking = asyncio.ensure_future(both.engine.invoker.invoke(SILENT, [b"x"], FOREVER))
    await both.engine.invoker.invoke(ADDER, [b"x"], FOREVER)
    told, collected = both.frontend.tell(registered(REGISTRY)), both.frontend.collect()
    both.engine.channel.close()
    assert (await told, await collected) == (False, None)
    assert behind.silent is not None
    assert behind.silent.cancelled()
    assert await both.frontend.tell(registered(REGISTRY)) is False
    await asking


async def test_when_the_engine_goes_every_row_is_answered_with_that(both: Linked) -> None:
    asking = asyncio.ensure_future(both.engine.invoker.invoke(SILENT, [b"x", b"y"], FOREVER))
    await both.engine.invoker.invoke(ADDER, [b"x"], FOREVER)
    both.frontend.channel.close()
    assert list(await asking) == [LOST, LOST]
    assert list(await both.engine.invoker.invoke(ADDER, [b"x"], FOREVER)) == [LOST]
    assert LOST.reason is DefaultReason.NO_REPLICA
    with pytest.raises(StoreUnavailableError):
        await both.engine.forwarder.forward(WholeRequest("GET", "/metrics", b"", [], b""))


async def test_an_engine_that_does_not_answer_is_given_up_shortly_after_the_deadline(
    both: Linked, behind: Behind
) -> None:
    came: asyncio.Queue[tuple[int, OutputJson]] = asyncio.Queue()
    now = asyncio.get_running_loop().time()
    results = await both.engine.invoker.invoke(
        SILENT, [b"x"], Deadline(now + 0.01), lambda index, output: came.put_nowait((index, output))
    )
    assert list(results) == [Unanswered(DefaultReason.TIMED_OUT)]
    assert behind.silent is not None
    behind.silent.set_result([Predicted(OutputJson(b"5"))])
    assert await asyncio.wait_for(came.get(), 5) == (0, b"5")


async def test_a_version_that_the_engine_has_forgotten_has_no_replica(behind: Behind) -> None:
    async with linked(behind, RegistrySnapshot()) as both:
        (result,) = await both.engine.invoker.invoke(ADDER, [b"x"], FOREVER)
    assert isinstance(result, Unanswered)
    assert result.reason is DefaultReason.NO_REPLICA


async def test_requests_are_handed_over_and_answers_handed_back(both: Linked) -> None:
    request = WholeRequest("POST", "/shop/update", b"a=1", [(b"content-type", b"x/y")], b"\0body")
    answers = await asyncio.gather(*(both.engine.forwarder.forward(request) for _ in range(3)))
    assert {(answer.status, answer.body) for answer in answers} == {(200, b"\0body")}
    assert both.forwarder.asked == [request] * 3


async def test_a_request_that_the_engine_fails_to_answer_is_answered_all_the_same(both: Linked) -> None:
    answer = await both.engine.forwarder.forward(WholeRequest("GET", "/gone", b"", [], b""))
    assert answer.status == 500


async def test_what_was_counted_is_added_up_once(both: Linked) -> None:
    both.metrics.answered(SHOP, 0.25, 2, [DefaultReason.TIMED_OUT])
    both.metrics.answered(SHOP, 0.5, 1, [])
    both.metrics.cache_lookup(MODEL, 1, 2)
    both.metrics.coalesced(MODEL, 4)
    both.metrics.cache_evicted(3)
    both.metrics.cache_failed()
    both.metrics.remote_cache_lookup(5, 6)
    both.metrics.remote_cache_dropped(7)
    await both.frontend.collect()
    await both.frontend.collect()
    added = both.added_up
    assert sum(rows for _, _, rows, _ in added.answers) == 3
    assert [latency_s for _, latency_s, _, _ in added.answers] == [0.25, 0.5]
    assert [reason for answer in added.answers for reason in answer[3]] == [DefaultReason.TIMED_OUT]
    assert added.lookups == [(MODEL, 1, 2)]
    assert (added.coalesced_rows, added.evicted_entries, added.cache_failures, added.remote_dropped) == (4, 3, 1, 7)
    assert sum(hits for hits, _ in added.remote_lookups) == 5


async def test_nothing_counted_is_nothing_told(both: Linked) -> None:
    both.engine.report()
    await both.engine.invoker.invoke(ADDER, [b"x"], FOREVER)
    assert both.added_up.answers == []


async def test_it_says_when_it_is_ready_and_when_it_leaves(both: Linked) -> None:
    both.engine.ready()
    await both.frontend.collect()
    assert (both.frontend.is_ready, both.frontend.is_leaving) == (True, False)
    both.engine.leave()
    await both.frontend.collect()
    assert both.frontend.is_leaving
    assert len(both.changes) == 2


def test_the_records_of_a_snapshot_make_an_equal_one() -> None:
    assert RegistrySnapshot.of(7, REGISTRY.records()) == REGISTRY
