"""Batches that take long are asked twice, slow replicas seldom; with replicas that only remember what they got."""

import asyncio
from dataclasses import replace

import pytest

from clipper_sls.adapters.engine.dispatcher import Dispatcher
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.query import Deadline, DefaultReason, OutputJson, Predicted
from clipper_sls.domain.records import ModelVersion
from clipper_sls.domain.serving import Serving
from clipper_sls.domain.stragglers import CERTAIN_AFTER_BATCHES, RETRY_S
from clipper_sls.testing import ManualClock, RecordingMetrics

VERSION = ModelVersion(ModelId.of("m", 1), InputType.STRINGS, batch_size=4)
BATCH_S = 0.010
FULL = (b"w",) * 4
DEFAULT = Serving()
SOON_S = 0.2
"""Longer than anybody's patience with a batch of 10 ms, in the loop's own time."""


class Replica:
    def __init__(self, replica_id: int, dispatcher: Dispatcher) -> None:
        self.replica_id = replica_id
        self.batches: list = []
        self._dispatcher = dispatcher

    def send(self, batch, event) -> None:
        self.batches.append(batch)

    def finish(self) -> None:
        batch = self.batches[-1]
        self._dispatcher.answered(batch, [Predicted(OutputJson(row)) for row in batch.rows])
        self._dispatcher.idle(self)


class Desk:
    """A dispatcher with replicas that have answered often enough to be predictable, all of them idle."""

    def __init__(self, serving: Serving = DEFAULT, replicas: int = 2) -> None:
        self.clock, self.metrics = ManualClock(), RecordingMetrics()
        self.dispatcher = Dispatcher(
            version=replace(VERSION, serving=serving),
            max_batch_bytes=1_000,
            clock=self.clock,
            metrics=self.metrics,
        )
        self.replicas = [Replica(number, self.dispatcher) for number in range(1, replicas + 1)]

    async def warm(self) -> "Desk":
        for replica in self.replicas:
            self.dispatcher.idle(replica)
        for _ in range(CERTAIN_AFTER_BATCHES):
            for _ in self.replicas:
                await self.ask(*FULL)
            await self.clock.advance(BATCH_S)
            for replica in self.replicas:
                replica.finish()
        for replica in self.replicas:
            replica.batches.clear()
        return self

    async def ask(self, *rows: bytes, within_s: float = 60.0):
        asked = self.dispatcher.ask(rows, Deadline(self.clock.now() + within_s))
        for _ in range(3):
            await asyncio.sleep(0)
        return asked

    @property
    def busy(self) -> Replica:
        """Who got the first batch."""
        return next(replica for replica in self.replicas if replica.batches)

    @property
    def other(self) -> Replica:
        return next(replica for replica in self.replicas if replica is not self.busy)


async def until(condition) -> None:
    async with asyncio.timeout(5.0):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


async def test_a_batch_that_takes_long_is_asked_of_another_replica_and_the_first_answer_counts() -> None:
    desk = await Desk().warm()
    asked = await desk.ask(b"a", b"b")
    first, second = desk.busy, desk.other
    await until(lambda: second.batches)

    assert second.batches[0].rows == [b"a", b"b"]
    second.finish()
    assert [result.output for result in await asked] == [b"a", b"b"]
    assert (desk.metrics.hedged_batches, desk.metrics.hedges_won) == (1, [True])
    first.finish()
    assert desk.metrics.hedges_won == [True]
    await asyncio.wait_for(desk.dispatcher.drained(), 1.0)


async def test_a_batch_that_is_answered_soon_is_asked_once() -> None:
    desk = await Desk().warm()
    asked = await desk.ask(b"a")
    desk.busy.finish()
    await asked
    await asyncio.sleep(SOON_S)
    assert desk.metrics.hedged_batches == 0


@pytest.mark.parametrize("serving", [Serving(is_idempotent=False), Serving(hedging=False)])
async def test_models_that_must_not_be_asked_twice_are_not(serving: Serving) -> None:
    desk = await Desk(serving).warm()
    asked = await desk.ask(b"a")
    await asyncio.sleep(SOON_S)
    assert not desk.other.batches
    desk.busy.finish()
    await asked


async def test_a_replica_that_ends_while_its_twin_works_loses_nothing() -> None:
    desk = await Desk().warm()
    asked = await desk.ask(b"a")
    first, second = desk.busy, desk.other
    await until(lambda: second.batches)

    desk.dispatcher.dropped(first.batches[0], "ended")
    assert desk.dispatcher.queued_rows == 0
    second.finish()
    assert list(await asked) == [Predicted(OutputJson(b"a"))]


async def test_rows_are_tried_again_alone_when_both_end() -> None:
    desk = await Desk().warm()
    asked = await desk.ask(b"a")
    first, second = desk.busy, desk.other
    await until(lambda: second.batches)

    for replica in (first, second):
        desk.dispatcher.away(replica)
        desk.dispatcher.dropped(replica.batches[0], "ended")
    assert desk.dispatcher.queued_rows == 1
    third = Replica(3, desk.dispatcher)
    desk.dispatcher.idle(third)
    third.finish()
    assert list(await asked) == [Predicted(OutputJson(b"a"))]


async def test_rows_of_a_model_that_is_not_idempotent_are_not_tried_again() -> None:
    desk = await Desk(Serving(is_idempotent=False)).warm()
    asked = await desk.ask(b"a")
    desk.dispatcher.dropped(desk.busy.batches[0], "ended")
    (result,) = await asked
    assert result.reason is DefaultReason.MODEL_FAILED
    assert "not idempotent" in result.detail


async def test_a_slow_replica_gets_one_row_from_time_to_time() -> None:
    desk = await Desk(Serving(hedging=False)).warm()
    await desk.ask(*FULL)
    slow, fast = desk.busy, desk.other
    await desk.clock.advance(10 * BATCH_S)
    slow.finish()

    await desk.ask(b"a")
    await desk.ask(b"b")
    assert [batch.rows for batch in fast.batches] == [[b"a"]]
    assert len(slow.batches) == 1
    fast.finish()
    assert [batch.rows for batch in fast.batches] == [[b"a"], [b"b"]]
    await desk.clock.advance(RETRY_S)
    await desk.ask(b"c", b"d")
    assert slow.batches[-1].rows == [b"c"]


async def test_a_slow_replica_works_when_the_others_have_too_much_to_do() -> None:
    desk = await Desk(Serving(hedging=False)).warm()
    await desk.ask(*FULL)
    slow, fast = desk.busy, desk.other
    await desk.clock.advance(10 * BATCH_S)
    slow.finish()

    for _ in range(10):
        await desk.ask(*FULL)
    assert len(fast.batches) == 1
    assert len(slow.batches) == 2


async def test_an_idle_replica_waits_for_a_batch_to_fill_where_it_is_told_to() -> None:
    desk = await Desk(Serving(batch_wait_s=10.0), replicas=1).warm()
    await desk.ask(b"a")
    await desk.ask(b"b", b"c")
    assert not desk.replicas[0].batches
    await desk.ask(b"d")
    assert desk.replicas[0].batches[0].rows == [b"a", b"b", b"c", b"d"]


async def test_a_batch_that_does_not_fill_goes_out_in_the_end() -> None:
    desk = await Desk(Serving(batch_wait_s=0.010), replicas=1).warm()
    await desk.ask(b"a")
    assert not desk.replicas[0].batches
    await desk.clock.advance(0.010)
    await until(lambda: desk.replicas[0].batches)
    assert desk.replicas[0].batches[0].rows == [b"a"]
