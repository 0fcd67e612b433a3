"""Replicas answer; callers share batches, and what one row does stays with that row."""

import asyncio
import json

import pytest

from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.query import Deadline, DefaultReason, Unanswered
from clipper_sls.domain.records import ModelVersion, Scaling
from clipper_sls.domain.replicas import Health, ReplicaState

NAP_S = 0.3


def napping(inputs):
    import time

    time.sleep(0.3)  # noqa: TID251 - a model that takes its time
    return [f"batch of {len(inputs)}"] * len(inputs)


async def test_a_started_version_answers(engine):
    version = await engine.deploy(lambda inputs: [x * 2 for x in inputs])

    assert await engine.outputs(version, 1, 2.5, "ab") == [2, 5.0, "abab"]
    assert engine.status(version).health is Health.HEALTHY
    assert engine.status(version).replicas[0].rows_answered == 3
    assert sum(engine.metrics.batches) == 3


async def test_numbers_arrive_as_one_array(engine):
    version = await engine.deploy(
        lambda inputs: [list(inputs.shape)] * len(inputs), input_type=InputType.DOUBLES, batch_size=2
    )
    row = bytes(4 * 8)

    results = await engine.pools.invoke(version, [row, row], Deadline(engine.clock.now() + 10))

    assert [json.loads(result.output) for result in results] == [[2, 4]] * 2


async def test_nothing_asked_is_nothing_answered(engine):
    version = await engine.deploy(lambda inputs: inputs)

    assert await engine.outputs(version) == []
    assert engine.metrics.batches == []


async def test_callers_of_one_moment_share_a_batch(engine):
    version = await engine.deploy(lambda inputs: [len(inputs)] * len(inputs), batch_size=100)

    answers = await asyncio.gather(*(engine.outputs(version, i) for i in range(40)))

    assert answers == [[40]] * 40


async def test_rows_of_one_caller_are_split_into_batches_of_the_fixed_size(engine):
    version = await engine.deploy(lambda inputs: [len(inputs)] * len(inputs), batch_size=4)

    assert await engine.outputs(version, *range(10)) == [4] * 8 + [2] * 2


async def test_many_rows_come_back_in_order(engine):
    version = await engine.deploy(lambda inputs: inputs)

    assert await engine.outputs(version, *range(5_000)) == list(range(5_000))


async def test_a_row_that_raises_spoils_no_other(engine):
    def square_root(inputs):
        return [x**0.5 if x >= 0 else _refuse(x) for x in inputs]

    def _refuse(x):
        raise ValueError(f"negative: {x}")

    version = await engine.deploy(square_root, batch_size=100)

    first, second = await asyncio.gather(engine.outputs(version, 4, -1, 9), engine.results(version, -2))

    assert first == [2.0, DefaultReason.MODEL_FAILED, 3.0]
    assert second == [Unanswered(DefaultReason.MODEL_FAILED, "ValueError: negative: -2")]


async def test_a_wrong_number_of_outputs_fails_the_row(engine):
    version = await engine.deploy(lambda inputs: [1, 2, 3])

    (result,) = await engine.results(version, 0)

    assert result.reason is DefaultReason.MODEL_FAILED
    assert "3" in result.detail


async def test_an_output_that_is_too_large_spoils_no_other(make_engine):
    engine = await make_engine(max_response_bytes=100_000)
    version = await engine.deploy(lambda inputs: ["x" * n for n in inputs], batch_size=10)

    results = await engine.results(version, 60_000, 200_000, 60_000)

    assert [getattr(result, "reason", None) for result in results] == [None, DefaultReason.MODEL_FAILED, None]
    assert len(results[0].output) == 60_002
    assert "MiB" in results[1].detail


async def test_rows_are_split_by_bytes_too(make_engine):
    engine = await make_engine(max_batch_bytes=1_000)
    version = await engine.deploy(lambda inputs: [len(inputs)] * len(inputs), batch_size=10)

    assert await engine.outputs(version, "x" * 600, "x" * 300, "x" * 600, "x" * 5_000) == [2, 2, 1, 1]


async def test_an_answer_comes_at_the_deadline_whether_or_not_there_is_one(engine):
    version = await engine.deploy(napping, batch_size=1)
    started = engine.clock.now()

    answers = await engine.outputs(version, 1, 2, 3, within_s=1.5 * NAP_S)

    assert answers == ["batch of 1", DefaultReason.TIMED_OUT, DefaultReason.TIMED_OUT]
    assert 1.4 * NAP_S < engine.clock.now() - started < 1.5 * NAP_S + 0.1


async def test_a_row_that_is_due_already_is_not_asked(engine):
    version = await engine.deploy(lambda inputs: inputs)

    assert await engine.outputs(version, 1, within_s=0.0) == [DefaultReason.TIMED_OUT]
    assert engine.metrics.batches == []


async def test_rows_that_expired_in_the_queue_never_reach_the_model(engine):
    version = await engine.deploy(napping, batch_size=1)
    busy = asyncio.create_task(engine.outputs(version, 0))
    await engine.until(lambda: engine.status(version).replicas[0].state is ReplicaState.BUSY)

    late = await engine.outputs(version, 1, 2, within_s=0.05)
    await busy
    await engine.outputs(version, 3)

    assert late == [DefaultReason.TIMED_OUT] * 2
    assert engine.status(version).replicas[0].rows_answered == 2
    assert engine.status(version).queued_rows == 0


async def test_rows_of_a_cancelled_caller_never_reach_the_model(engine):
    version = await engine.deploy(napping, batch_size=1)
    busy = asyncio.create_task(engine.outputs(version, 0))
    gone = asyncio.create_task(engine.outputs(version, 1, 2))
    await engine.until(lambda: engine.status(version).queued_rows == 2)

    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    assert engine.status(version).queued_rows == 0
    await busy
    await engine.outputs(version, 3)

    assert engine.status(version).replicas[0].rows_answered == 2


async def test_the_most_urgent_rows_go_first(engine):
    def stamped(inputs):
        import time

        time.sleep(0.05)  # noqa: TID251 - a model that takes its time
        return [time.monotonic()] * len(inputs)  # noqa: TID251 - tells the test when it was asked

    version = await engine.deploy(stamped, batch_size=1)
    busy = asyncio.create_task(engine.outputs(version, 0))
    await engine.until(lambda: engine.status(version).replicas[0].state is ReplicaState.BUSY)

    (late,), (early,) = await asyncio.gather(
        engine.outputs(version, 1, within_s=20), engine.outputs(version, 2, within_s=10)
    )
    await busy

    assert early < late


async def test_what_is_not_hosted_has_no_replica(engine):
    absent = ModelVersion(ModelId.of("absent", 1), InputType.JSON, bundle_digest="0" * 64, scaling=Scaling(1, 1))

    assert await engine.outputs(absent, 1, 2) == [DefaultReason.NO_REPLICA] * 2


async def test_more_rows_than_may_wait_are_refused_at_once(make_engine):
    engine = await make_engine(max_queued_rows=10)
    version = await engine.deploy(napping, batch_size=1)
    waiting = asyncio.create_task(engine.outputs(version, *range(8)))
    await engine.until(lambda: engine.status(version).queued_rows == 7)

    refused = await engine.outputs(version, 1, 2, 3, 4)

    assert refused == [DefaultReason.OVERLOADED] * 4
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


@pytest.mark.parametrize("count", [1, 3])
async def test_idle_replicas_share_the_work(engine, count):
    version = await engine.deploy(napping, batch_size=1, replicas=count)
    started = engine.clock.now()

    await engine.outputs(version, *range(count))

    assert engine.clock.now() - started < 2 * NAP_S
