"""Answers wait for their replica's next batch, though not for long."""

import asyncio

import pytest

from clipper_sls.adapters.engine.calls import Call
from clipper_sls.adapters.engine.held_answers import HeldAnswers
from clipper_sls.adapters.engine.row_queue import Batch, Span
from clipper_sls.domain.query import Deadline, OutputJson, Predicted

RESULTS = [Predicted(OutputJson(b"1"))]


@pytest.fixture
def answered():
    return []


@pytest.fixture
def held(answered):
    return HeldAnswers(lambda batch, results: answered.append((batch, results)))


def batch():
    asked = asyncio.get_running_loop().create_future()
    return Batch([Span(Call([b"a"], arrived_at=0.0, deadline=Deadline(1.0), answered=asked), 0, 1)], taken_at=0.0)


async def test_they_are_given_in_order_when_they_are_released(held, answered):
    first, second = batch(), batch()
    held.hold(first, RESULTS)
    held.hold(second, RESULTS)
    assert held
    assert answered == []

    held.release()

    assert not held
    assert answered == [(first, RESULTS), (second, RESULTS)]


async def test_nobody_has_to_release_them(held, answered):
    held.hold(batch(), RESULTS)

    async with asyncio.timeout(5.0):
        while held:  # noqa: ASYNC110
            await asyncio.sleep(0.001)

    assert len(answered) == 1
