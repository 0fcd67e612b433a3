"""Requests that reach AWS twice change once; clocks that stand still or go back do not turn an order around."""

import asyncio
import itertools

import pytest

from clipper_sls.adapters.aws.dynamodb.feedback import MAX_INPUT_BYTES, DynamoFeedbackLog
from clipper_sls.adapters.aws.dynamodb.selection_states import DynamoSelectionStates
from clipper_sls.adapters.aws.dynamodb.table import DynamoTable
from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.query import Feedback
from clipper_sls.errors import StorageFullError, StoreUnavailableError
from clipper_sls.ports.selection_state_store import VersionedState
from clipper_sls.testing import ManualClock
from clipper_sls.testing.fake_dynamodb import FakeDynamo

KEYS = ("partition", "item")
SHOP = AppName("shop")


def _table(dynamo: FakeDynamo) -> DynamoTable:
    return DynamoTable(dynamo, "t", clock=ManualClock(), limit_s=1.0)


def _ids():
    numbers = itertools.count()
    return lambda: f"{next(numbers):04}"


def _feedback(number: int) -> Feedback:
    return Feedback(SHOP, number, b"[1.5]", 1.0, received_at=1e9)


async def _all_twice(dynamo: FakeDynamo, task: "asyncio.Task") -> None:
    while not task.done():
        for pending in [*dynamo.pending]:
            dynamo.do_twice(pending)
        await asyncio.sleep(0)


async def test_a_write_whose_answer_was_lost_was_made_all_the_same() -> None:
    dynamo = FakeDynamo(KEYS, is_stepped=True)
    states = DynamoSelectionStates(_table(dynamo), new_id=_ids())
    for revision in range(2):
        writing = asyncio.create_task(states.write(SHOP, 7, b"x", revision))
        await _all_twice(dynamo, writing)
        assert await writing == VersionedState(b"x", revision + 1)


async def test_feedback_that_reaches_aws_twice_is_kept_once() -> None:
    dynamo = FakeDynamo(KEYS, is_stepped=True)
    log = DynamoFeedbackLog(_table(dynamo), clock=ManualClock(), new_id=_ids())
    await _all_twice(dynamo, asyncio.create_task(log.append(_feedback(1))))
    assert len(dynamo.items) == 1


async def test_order_does_not_hang_on_the_clock() -> None:
    clock = ManualClock()
    log = DynamoFeedbackLog(_table(FakeDynamo(KEYS)), clock=clock, new_id=lambda: "same")
    for number in range(20):
        await log.append(_feedback(number))
        await clock.advance((-1) ** number * 0.5)
    assert [feedback.user_id for feedback in await log.read(SHOP)] == list(range(20))


async def test_an_input_that_no_item_can_hold_is_refused() -> None:
    log = DynamoFeedbackLog(_table(FakeDynamo(KEYS)), clock=ManualClock(), new_id=_ids())
    with pytest.raises(StorageFullError, match="350001 bytes was not kept"):
        await log.append(Feedback(SHOP, 1, b"1" * (MAX_INPUT_BYTES + 1), 1.0, received_at=1e9))
    assert await log.read(SHOP) == []


async def test_what_cannot_be_read_is_a_store_that_is_away() -> None:
    dynamo = FakeDynamo(KEYS)
    states = DynamoSelectionStates(_table(dynamo), new_id=_ids())
    log = DynamoFeedbackLog(_table(dynamo), clock=ManualClock(), new_id=_ids())
    await states.write(SHOP, None, b"x", 0)
    await log.append(_feedback(1))
    dynamo.items = {key: {name: item[name] for name in KEYS} for key, item in dynamo.items.items()}
    with pytest.raises(StoreUnavailableError, match="begins anew"):
        await states.read(SHOP, None)
    with pytest.raises(StoreUnavailableError, match="restore the table"):
        await log.read(SHOP)
