"""What is measured, how often and for how long."""

from dataclasses import dataclass, replace
from typing import Self

from bench.workloads import WORKLOADS

MEASUREMENTS = {
    "one-at-a-time": "start, memory, deploying, and the latency of one query at a time",
    "closed-loop": "clients that ask again as soon as they are answered",
    "open-loop": "independent arrivals at shares of each server's own capacity",
    "overload": "independent arrivals at twice each server's own capacity",
    "model-overload": "the same, where it is the model and not the processor that can do no more",
    "trace": "a burst: ten times the arrivals from one second to the next",
    "cache-hits": "the same queries again and again, beside plain FastAPI returning a constant",
    "batching": "adaptive batches beside batches of one row, forest, most clients",
    "slow-replica": "one of three replicas ten times slower, beside three healthy ones",
}
GENEROUS_MS = 1000
"""The objective where latency is what is measured and not what is limited."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`seconds` is the length of a run, of which there are some in every round. `loads` are shares of the capacity."""

    rounds: int = 3
    seconds: float = 3.0
    warm_up_s: float = 1.0
    clients: tuple[int, ...] = (1, 16, 64, 256)
    loads: tuple[float, ...] = (0.5, 0.8, 1.0)
    overload: float = 2.0
    objectives_ms: tuple[int, ...] = (20, 100)
    workloads: tuple[str, ...] = tuple(WORKLOADS)
    only: tuple[str, ...] = tuple(MEASUREMENTS)
    seed: int = 0

    def quick(self) -> Self:
        """A look at everything in a few minutes; too short to quote."""
        return replace(
            self,
            rounds=1,
            seconds=1.0,
            warm_up_s=0.5,
            clients=(1, 64),
            loads=(0.8,),
            objectives_ms=self.objectives_ms[:1],
        )

    def has(self, *measurements: str) -> bool:
        return any(measurement in self.only for measurement in measurements)
