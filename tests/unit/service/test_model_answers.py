"""Equal rows that are asked at one time share one call of the model; late outputs fill the cache."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from clipper_sls.adapters.local.memory_cache import MemoryPredictionCache
from clipper_sls.domain.cache_key import cache_key
from clipper_sls.domain.functions.published import PublishedFunction
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.query import Deadline, DefaultReason, OutputJson, PackedRow, Predicted, RowResult, Unanswered
from clipper_sls.domain.records import ModelVersion
from clipper_sls.domain.serving import Serving
from clipper_sls.ports.model_invoker import LateOutput
from clipper_sls.service.model_answers import Asked, ModelAnswers
from clipper_sls.testing import ManualClock, RecordingMetrics

VERSION = ModelVersion(ModelId.of("m", 1), InputType.STRINGS, bundle_digest="a" * 64)
PUBLISHED = replace(VERSION, function=PublishedFunction("m", "7", "current"))
UNCACHED = replace(VERSION, serving=Serving(is_cached=False))
TTL_S = 60.0
SHORT_LIVED = replace(VERSION, serving=Serving(cache_ttl_s=TTL_S))
FAR = Deadline(1e9)
LATE = Unanswered(DefaultReason.TIMED_OUT)
BROKEN = Unanswered(DefaultReason.MODEL_FAILED, "boom")


@dataclass
class SlowInvoker:
    """Answers when a test says so."""

    asked: list[list[PackedRow]] = field(default_factory=list)
    open: list[asyncio.Future[Sequence[RowResult]]] = field(default_factory=list)
    late: list[LateOutput | None] = field(default_factory=list)

    async def invoke(
        self,
        version: ModelVersion,
        rows: Sequence[PackedRow],
        deadline: Deadline,
        late: LateOutput | None = None,
        caller: str = "",
    ) -> Sequence[RowResult]:
        self.asked.append(list(rows))
        self.late.append(late)
        self.open.append(asyncio.get_running_loop().create_future())
        return await self.open[-1]

    def answer(self, call: int, *results: RowResult) -> None:
        self.open[call].set_result(results)


@dataclass
class Desk:
    """A model and ways to ask it."""

    answers: ModelAnswers
    invoker: SlowInvoker
    cache: MemoryPredictionCache
    metrics: RecordingMetrics
    clock: ManualClock

    async def ask(self, *rows: bytes, version: ModelVersion = VERSION) -> Asked:
        asked = self.answers.ask(version, rows, FAR)
        await _turns()
        return asked


async def _turns() -> None:
    """Let everybody get as far as they can."""
    for _ in range(10):
        await asyncio.sleep(0)


def _desk(has_cache: bool = True) -> Desk:
    invoker, metrics, clock = SlowInvoker(), RecordingMetrics(), ManualClock()
    cache = MemoryPredictionCache(1_000_000, clock=clock)
    answers = ModelAnswers(invoker=invoker, cache=cache if has_cache else None, clock=clock, metrics=metrics)
    return Desk(answers, invoker, cache, metrics, clock)


@pytest.fixture
def desk() -> Desk:
    return _desk()


def _output(text: bytes) -> Predicted:
    return Predicted(OutputJson(text))


async def test_equal_rows_of_several_callers_share_one_call(desk: Desk) -> None:
    tasks = [await desk.ask(b"a") for _ in range(5)]
    assert desk.invoker.asked == [[b"a"]]
    desk.invoker.answer(0, _output(b"1"))
    assert [list(await task) for task in tasks] == [[_output(b"1")]] * 5
    assert desk.metrics.coalesced_rows == 4


async def test_equal_rows_of_one_caller_share_one_call_and_keep_their_places(desk: Desk) -> None:
    task = await desk.ask(b"a", b"b", b"a", b"c", b"b")
    assert desk.invoker.asked == [[b"a", b"b", b"c"]]
    desk.invoker.answer(0, _output(b"1"), _output(b"2"), _output(b"3"))
    assert list(await task) == [_output(text) for text in (b"1", b"2", b"1", b"3", b"2")]


async def test_rows_that_are_being_asked_and_others_go_together(desk: Desk) -> None:
    first = await desk.ask(b"a")
    second = await desk.ask(b"b", b"a")
    assert desk.invoker.asked == [[b"a"], [b"b"]]
    desk.invoker.answer(1, _output(b"2"))
    await _turns()
    assert not second.done()
    desk.invoker.answer(0, _output(b"1"))
    assert list(await second) == [_output(b"2"), _output(b"1")]
    assert list(await first) == [_output(b"1")]


async def test_a_failure_of_the_model_is_shared(desk: Desk) -> None:
    first, second = await desk.ask(b"a"), await desk.ask(b"a")
    desk.invoker.answer(0, BROKEN)
    assert list(await first) == list(await second) == [BROKEN]
    assert len(desk.invoker.asked) == 1


async def test_who_waited_in_vain_asks_again_once_for_all_of_them(desk: Desk) -> None:
    first, second, third = [await desk.ask(b"a") for _ in range(3)]
    desk.invoker.answer(0, LATE)
    await _turns()
    assert desk.invoker.asked == [[b"a"], [b"a"]]
    desk.invoker.answer(1, _output(b"1"))
    assert list(await first) == [LATE]
    assert list(await second) == list(await third) == [_output(b"1")]


async def test_it_ends_where_nobody_gets_an_answer(desk: Desk) -> None:
    tasks = [await desk.ask(b"a") for _ in range(4)]
    for call in range(2):
        desk.invoker.answer(call, LATE)
        await _turns()
    assert [list(await task) for task in tasks] == [[LATE]] * 4
    assert len(desk.invoker.asked) == 2


async def test_a_caller_that_goes_away_leaves_nobody_waiting_for_ever(desk: Desk) -> None:
    first, second = await desk.ask(b"a"), await desk.ask(b"a")
    first.cancel()
    await _turns()
    assert desk.invoker.asked == [[b"a"], [b"a"]]
    desk.invoker.answer(1, _output(b"1"))
    assert list(await second) == [_output(b"1")]


async def test_what_was_answered_is_not_asked_again(desk: Desk) -> None:
    first = await desk.ask(b"a")
    desk.invoker.answer(0, _output(b"1"))
    await first
    again = await desk.ask(b"a", b"b")
    assert desk.invoker.asked == [[b"a"], [b"b"]]
    desk.invoker.answer(1, _output(b"2"))
    assert list(await again) == [_output(b"1"), _output(b"2")]


async def test_an_output_that_comes_too_late_fills_the_cache(desk: Desk) -> None:
    task = await desk.ask(b"a", b"b")
    desk.invoker.answer(0, LATE, LATE)
    assert list(await task) == [LATE, LATE]
    late = desk.invoker.late[0]
    assert late is not None
    late(1, OutputJson(b"2"))
    await _turns()
    key = cache_key(VERSION, b"b")
    assert await desk.cache.get_many([key]) == {key: b"2"}


@pytest.mark.parametrize(("has_cache", "version"), [(False, VERSION), (True, UNCACHED)])
async def test_models_that_do_not_answer_equal_rows_equally_are_asked_for_each(
    has_cache: bool, version: ModelVersion
) -> None:
    desk = _desk(has_cache)
    tasks = [await desk.ask(b"a", b"a", version=version), await desk.ask(b"a", version=version)]
    assert desk.invoker.asked == [[b"a", b"a"], [b"a"]]
    desk.invoker.answer(0, _output(b"1"), _output(b"2"))
    desk.invoker.answer(1, _output(b"3"))
    assert [list(await task) for task in tasks] == [[_output(b"1"), _output(b"2")], [_output(b"3")]]
    await desk.ask(b"a", version=version)
    assert len(desk.invoker.asked) == 3
    assert desk.metrics.lookups == []
    assert await desk.cache.get_many([cache_key(version, b"a")]) == {}


async def test_a_late_output_of_a_version_that_is_not_cached_is_not_kept(desk: Desk) -> None:
    await desk.ask(b"a", version=UNCACHED)
    assert desk.invoker.late == [None]


@pytest.mark.parametrize("is_late", [False, True])
async def test_an_output_is_asked_for_again_once_it_is_too_old(desk: Desk, is_late: bool) -> None:
    first = await desk.ask(b"a", version=SHORT_LIVED)
    desk.invoker.answer(0, LATE if is_late else _output(b"1"))
    await first
    if is_late:
        desk.invoker.late[0](0, OutputJson(b"1"))
        await _turns()
    await desk.clock.advance(TTL_S - 1)
    young = await desk.ask(b"a", version=SHORT_LIVED)
    assert list(await young) == [_output(b"1")]
    await desk.clock.advance(1)
    await desk.ask(b"a", version=SHORT_LIVED)
    assert desk.invoker.asked == [[b"a"], [b"a"]]
    assert [hits for _, hits, _ in desk.metrics.lookups] == [0, 1, 0]


async def test_a_version_that_comes_back_with_a_shorter_life_finds_nothing_that_was_kept_for_longer(desk: Desk) -> None:
    first = await desk.ask(b"a")
    desk.invoker.answer(0, _output(b"1"))
    await first
    await desk.ask(b"a", version=SHORT_LIVED)
    assert desk.invoker.asked == [[b"a"], [b"a"]]


async def test_what_another_version_answered_is_answered_and_not_kept(desk: Desk) -> None:
    task = await desk.ask(b"a", b"b", version=PUBLISHED)
    by_other = Predicted(OutputJson(b"1"), answered_by="8")
    desk.invoker.answer(0, by_other, _output(b"2"))
    assert list(await task) == [by_other, _output(b"2")]
    await desk.ask(b"a", b"b", version=PUBLISHED)
    assert desk.invoker.asked == [[b"a", b"b"], [b"a"]]
