"""Rows go to idle replicas at once; with replicas that only remember what they got."""

import asyncio
from dataclasses import dataclass, field

import pytest

from clipper_sls.adapters.engine.dispatcher import Dispatcher
from clipper_sls.domain.admission import CERTAIN_AFTER_BATCHES
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.query import Deadline, DefaultReason, OutputJson, Predicted, Unanswered
from clipper_sls.domain.records import ModelVersion

VERSION = ModelVersion(ModelId.of("m", 1), InputType.STRINGS, batch_size=3)


class StoppedClock:
    moment = 100.0

    def now(self):
        return self.moment

    def wall(self):
        return 0.0

    async def sleep_until(self, moment):
        raise AssertionError("a dispatcher does not sleep")


@dataclass
class CountingMetrics:
    batches: list = field(default_factory=list)

    def batch(self, model, rows, latency_s, queue_delay_s):
        self.batches.append(rows)


@dataclass
class RememberingReplica:
    replica_id: int = 1
    batches: list = field(default_factory=list)

    def send(self, batch, event):
        assert event.startswith(b'{"schema"')
        self.batches.append(batch)

    def finish(self, dispatcher):
        """Answer the newest batch with its rows."""
        batch = self.batches[-1]
        dispatcher.answered(batch, [Predicted(OutputJson(row)) for row in batch.rows])


@pytest.fixture
def metrics():
    return CountingMetrics()


@pytest.fixture
def clock():
    return StoppedClock()


@pytest.fixture
def dispatcher(metrics, clock):
    return Dispatcher(version=VERSION, max_batch_bytes=1_000, clock=clock, metrics=metrics)


def ask(dispatcher, *rows, within_s=50.0, caller=""):
    return dispatcher.ask(rows, Deadline(dispatcher._clock.now() + within_s), caller=caller)


async def turn():
    """Let what is due now happen: the pump runs in the next turn of the loop."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_an_idle_replica_gets_rows_in_the_turn_in_which_they_come(dispatcher):
    replica = RememberingReplica()
    dispatcher.idle(replica)

    asked = ask(dispatcher, b"a")
    await turn()

    assert [batch.rows for batch in replica.batches] == [[b"a"]]
    replica.finish(dispatcher)
    assert await asked == [Predicted(OutputJson(b"a"))]


async def test_calls_of_one_turn_share_a_batch(dispatcher, metrics):
    replica = RememberingReplica()
    dispatcher.idle(replica)

    asked = [ask(dispatcher, b"a"), ask(dispatcher, b"b")]
    await turn()
    replica.finish(dispatcher)

    assert metrics.batches == [2]
    assert await asyncio.gather(*asked) == [[Predicted(OutputJson(row))] for row in (b"a", b"b")]


async def test_what_waited_goes_to_the_next_idle_replica(dispatcher):
    asked = ask(dispatcher, *(b"abcde"[i : i + 1] for i in range(5)))
    await turn()
    first, second = RememberingReplica(1), RememberingReplica(2)

    dispatcher.idle(first)
    dispatcher.idle(second)

    assert first.batches[0].rows == [b"a", b"b", b"c"]
    assert second.batches[0].rows == [b"d", b"e"]
    second.finish(dispatcher)
    first.finish(dispatcher)
    assert [result.output for result in await asked] == [b"a", b"b", b"c", b"d", b"e"]


async def test_a_replica_that_went_away_gets_nothing(dispatcher):
    replica = RememberingReplica()
    dispatcher.idle(replica)
    dispatcher.away(replica)

    asked = ask(dispatcher, b"a")
    await turn()

    assert replica.batches == []
    assert dispatcher.queued_rows == 1
    dispatcher.refuse_waiting(Unanswered(DefaultReason.NO_REPLICA))
    assert await asked == [Unanswered(DefaultReason.NO_REPLICA)]


async def test_dropped_rows_are_tried_once_more_and_alone(dispatcher):
    replica = RememberingReplica()
    dispatcher.idle(replica)
    asked = ask(dispatcher, b"a", b"b")
    await turn()

    dispatcher.dropped(replica.batches[-1], "ended")
    dispatcher.idle(replica)
    await turn()
    assert replica.batches[-1].rows == [b"a"]
    replica.finish(dispatcher)
    dispatcher.idle(replica)
    assert replica.batches[-1].rows == [b"b"]
    dispatcher.dropped(replica.batches[-1], "ended")

    answered, failed = await asked
    assert answered == Predicted(OutputJson(b"a"))
    assert failed == Unanswered(DefaultReason.MODEL_FAILED, "a replica ended; this input was tried twice")


async def test_late_answers_are_dropped(dispatcher):
    replica = RememberingReplica()
    dispatcher.idle(replica)

    answers = await ask(dispatcher, b"a", within_s=0.01)
    replica.finish(dispatcher)

    assert answers == [Unanswered(DefaultReason.TIMED_OUT)]


async def test_it_is_drained_when_nothing_waits_and_nothing_is_under_way(dispatcher):
    replica = RememberingReplica()
    dispatcher.idle(replica)
    asked = ask(dispatcher, b"a", b"b", b"c", b"d")
    await turn()
    drained = asyncio.create_task(dispatcher.drained())
    await turn()

    replica.finish(dispatcher)
    await turn()
    assert not drained.done()
    dispatcher.idle(replica)
    replica.finish(dispatcher)

    await drained
    await asked


async def in_rounds_of_10_ms(dispatcher, clock):
    """A replica that has answered often enough to be predictable, and is at work again."""
    replica = RememberingReplica()
    for _ in range(CERTAIN_AFTER_BATCHES):
        dispatcher.idle(replica)
        ask(dispatcher, b"a", b"b", b"c")
        await turn()
        clock.moment += 0.010
        replica.finish(dispatcher)
    dispatcher.idle(replica)
    ask(dispatcher, b"a", b"b", b"c", caller="before")
    await turn()
    return replica


async def test_what_cannot_be_answered_in_time_is_refused_at_once(dispatcher, clock):
    await in_rounds_of_10_ms(dispatcher, clock)
    waiting = ask(dispatcher, b"a", b"b", b"c", within_s=0.025)

    refused = ask(dispatcher, b"d", within_s=0.025)

    assert not waiting.done()
    assert refused.done()
    (reason,) = await refused
    assert reason.reason is DefaultReason.OVERLOADED
    assert reason.detail == "the answer would take about 33 ms, and is due in 25"
    assert not ask(dispatcher, b"d", within_s=0.035).done()


async def test_each_caller_has_its_share_of_the_queue(dispatcher, clock):
    await in_rounds_of_10_ms(dispatcher, clock)
    greedy = [ask(dispatcher, b"a", within_s=0.025, caller="greedy") for _ in range(100)]
    modest = ask(dispatcher, b"b", within_s=0.025, caller="modest")

    assert sum(not asked.done() for asked in greedy) == 3
    assert not modest.done()
