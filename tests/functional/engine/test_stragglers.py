"""One of three real replicas is slow."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clipper_sls.domain.query import Deadline
from clipper_sls.domain.serving import Serving

pytestmark = pytest.mark.processes_only

QUERIES = 600
EVERY_S = 0.004
FAST_S, SLOW_S = 0.005, 0.25


def uneven(folder: str) -> Any:
    """The replica that comes first is the slow one."""

    def answer(inputs: list[Any]) -> list[Any]:
        try:
            os.close(os.open(Path(folder) / "slow", os.O_CREAT | os.O_EXCL))
            (Path(folder) / str(os.getpid())).touch()
        except FileExistsError:
            pass
        is_slow = (Path(folder) / str(os.getpid())).exists()
        time.sleep(SLOW_S if is_slow else FAST_S)  # noqa: TID251 - a slow machine
        return [[value, is_slow] for value in inputs]

    return answer


async def _ask_steadily(engine: Any, version: Any) -> list[tuple[bool, float]]:
    """Of each query whether the slow replica answered, and how long it took."""

    async def one(number: int) -> tuple[bool, float]:
        started = engine.clock.now()
        (result,) = await engine.pools.invoke(version, [msgspec.json.encode(number)], Deadline(started + 10.0))
        value, by_slow = msgspec.json.decode(result.output)
        assert value == number
        return by_slow, engine.clock.now() - started

    tasks, start = [], engine.clock.now()
    for number in range(QUERIES):
        await engine.clock.sleep_until(start + number * EVERY_S)
        tasks.append(asyncio.create_task(one(number)))
    return await asyncio.gather(*tasks)


@pytest.mark.slow
async def test_a_slow_replica_is_hardly_noticed(engine: Any, tmp_path: Path) -> None:
    version = await engine.deploy(uneven(str(tmp_path)), replicas=3)
    answers = await _ask_steadily(engine, version)
    assert sum(by_slow for by_slow, _ in answers) < 0.05 * QUERIES
    latencies = sorted(latency_s for _, latency_s in answers)
    assert latencies[int(0.97 * QUERIES)] < SLOW_S
    assert engine.metrics.hedged_batches <= 0.05 * len(engine.metrics.batches) + 5


@pytest.mark.slow
async def test_without_hedges_it_gets_less_to_do(engine: Any, tmp_path: Path) -> None:
    version = await engine.deploy(uneven(str(tmp_path)), replicas=3, serving=Serving(hedging=False))
    answers = await _ask_steadily(engine, version)
    assert engine.metrics.hedged_batches == 0
    assert 0 < sum(by_slow for by_slow, _ in answers) < 0.1 * QUERIES
