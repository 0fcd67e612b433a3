"""What one slow replica of three costs those who ask: queries should find their way around it."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.contenders.engine import Engine
from bench.load.arrivals import poisson
from bench.load.figures import open_loop
from bench.measurements.stage import Tell, set_up
from bench.plan import GENEROUS_MS, Plan
from bench.points import Point
from bench.workloads import ACCELERATOR, CALL_S, ROW_S, Model, Workload

NAME = "slow-replica"
REPLICAS = 3
RATE_PER_S = 300.0
SLOWNESS = 10
HEALTHY = "all healthy"
UNHEDGED = "without hedging"


def own_accelerators(folder: Path, slowness: int) -> Model:
    """SIMULATED, as in `bench.workloads`, but each process has its own, and sleeps. One is slower: the first to ask."""
    lock = str(folder / "slow.lock")
    own: dict[str, Any] = {}

    def predict(rows: Any) -> list[float]:
        if not own:
            own["file"] = Path(lock).open("w")  # noqa: SIM115 - held for the process' life
            own["factor"] = 1
            with suppress(BlockingIOError):
                fcntl.flock(own["file"], fcntl.LOCK_EX | fcntl.LOCK_NB)
                own["factor"] = slowness
        time.sleep((CALL_S + ROW_S * len(rows)) * own["factor"])
        return [float(sum(row)) for row in rows]

    return predict


_HEALTHY = replace(ACCELERATOR, load=lambda folder: own_accelerators(folder, 1))
_ONE_SLOW = replace(ACCELERATOR, load=lambda folder: own_accelerators(folder, SLOWNESS))
SIDES = (
    (Engine(replicas=REPLICAS), _ONE_SLOW),
    (Engine(name=UNHEDGED, replicas=REPLICAS, options={"hedging": False}), _ONE_SLOW),
    (Engine(name=HEALTHY, replicas=REPLICAS), _HEALTHY),
)


def slow_replica(plan: Plan, side: tuple[Engine, Workload], round_number: int, tell: Tell) -> Iterator[Point]:
    """One of SIDES. The ratio of p99 to that of healthy replicas is what the slow one costs."""
    contender, workload = side
    with set_up(plan, contender, workload, round_number, tell) as stage:
        arrivals = poisson(RATE_PER_S, plan.seconds, stage.driver.chance)
        measured = stage.open_loop(GENEROUS_MS, arrivals, plan.seconds)
    figures = open_loop(measured.outcome, GENEROUS_MS) | measured.costs()
    setting = f"{REPLICAS} replicas, {RATE_PER_S:.0f} queries a second"
    yield Point(NAME, workload.name, setting, contender.name, round_number, figures)
