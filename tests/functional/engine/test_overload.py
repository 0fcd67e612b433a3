"""Twice as many queries as a model can answer, with a real replica."""

import asyncio
import time
from collections import Counter
from typing import Any

import msgspec
import pytest

from clipper_sls.domain.query import Deadline, DefaultReason, Predicted, Unanswered

OBJECTIVE_S = 0.2
BATCH = 10
CAPACITY = 330  # rows a second
SECONDS = 3.0


def serial(inputs: list[Any]) -> list[Any]:
    time.sleep(0.020 + 0.001 * len(inputs))  # noqa: TID251 - a model with a known capacity
    return inputs


async def _ask(engine: Any, version: Any, number: int, caller: str) -> tuple[str, float]:
    """What became of one query, and how long it took."""
    started = engine.clock.now()
    row, deadline = msgspec.json.encode(number), Deadline(started + OBJECTIVE_S)
    (result,) = await engine.pools.invoke(version, [row], deadline, caller=caller)
    if isinstance(result, Predicted):
        assert result.output == row
        return "answered", engine.clock.now() - started
    return result.reason, engine.clock.now() - started


async def _offer(engine: Any, version: Any, rates: dict[str, float]) -> dict[str, list[tuple[str, float]]]:
    """Queries of several callers, each at its own steady rate."""

    async def one(caller: str, rate: float) -> list[tuple[str, float]]:
        tasks, start = [], engine.clock.now()
        for number in range(int(rate * SECONDS)):
            await engine.clock.sleep_until(start + number / rate)
            tasks.append(asyncio.create_task(_ask(engine, version, number, caller)))
        return await asyncio.gather(*tasks)

    results = await asyncio.gather(*(one(caller, rate) for caller, rate in rates.items()))
    return dict(zip(rates, results, strict=True))


@pytest.mark.slow
async def test_what_cannot_be_answered_is_refused_and_the_rest_is_answered_in_time(engine: Any) -> None:
    version = await engine.deploy(serial, batch_size=BATCH)
    offered = (await _offer(engine, version, {"a": 2 * CAPACITY}))["a"]
    counts = Counter(what for what, _ in offered)
    assert counts["answered"] > 0.6 * CAPACITY * SECONDS
    assert counts[DefaultReason.OVERLOADED] > 0.5 * CAPACITY * SECONDS
    assert counts[DefaultReason.TIMED_OUT] < 0.05 * len(offered)
    waits = sorted(wait_s for what, wait_s in offered if what is DefaultReason.OVERLOADED)
    assert waits[len(waits) // 2] < 0.005


@pytest.mark.slow
async def test_who_asks_for_little_is_answered_whatever_others_ask_for(engine: Any) -> None:
    version = await engine.deploy(serial, batch_size=BATCH)
    offered = await _offer(engine, version, {"greedy": 3 * CAPACITY, "modest": CAPACITY / 10})
    late = offered["modest"][int(CAPACITY / 10) :]  # from the second second on
    assert sum(what == "answered" for what, _ in late) > 0.9 * len(late)
    assert any(what is DefaultReason.OVERLOADED for what, _ in offered["greedy"])


async def test_a_burst_into_an_idle_model_is_not_refused(engine: Any) -> None:
    """Batches have not grown yet, and nobody knows how fast they would be."""
    version = await engine.deploy(serial)
    rows = [msgspec.json.encode(number) for number in range(64)]
    deadline = Deadline(engine.clock.now() + 2.0)
    results = await asyncio.gather(*(engine.pools.invoke(version, [row], deadline) for row in rows))
    assert not [result for (result,) in results if isinstance(result, Unanswered)]
