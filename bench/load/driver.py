"""Runs the load generator against a server, and says what the CPUs did meanwhile: the server's, and everybody's."""

import itertools
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil

from bench.contenders.contender import Server
from bench.contenders.processes import ROOT
from bench.load.figures import Figures, counts
from bench.load.job import Job, Outcome
from bench.load.requests import DIGITS, Request

CONNECTIONS = 1024
"""Of an open loop. When all are in use a query waits for one, and its latency has begun already."""
_NUMBERS_A_RUN = 2_000_000


@dataclass(frozen=True, slots=True)
class Measured:
    """An outcome, and what it cost. `foreign_cores`: how many cores other processes of the machine used meanwhile."""

    outcome: Outcome
    server_cpu_s: float
    foreign_cores: float

    def costs(self) -> Figures:
        """CPU per query that got any answer, and what else there is to know of every run."""
        answered = sum(latency_s != float("inf") for latency_s in self.outcome.latency_s) or 1
        return {
            "server_cpu_us": self.server_cpu_s / answered * 1e6,
            "generator_cpu_us": self.outcome.generator_cpu_s / answered * 1e6,
            "foreign_cores": self.foreign_cores,
            **counts(self.outcome),
        }


class Driver:
    """Every run asks queries that no run before it asked. `chance` makes arrivals."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self._result = folder / "outcome.msgpack"
        self._first_numbers = itertools.cycle(range(0, 10**DIGITS // 2, _NUMBERS_A_RUN))
        self.chance = chance

    def closed_loop(
        self, server: Server, requests: list[Request], clients: int, seconds: float, *, is_distinct: bool = True
    ) -> Measured:
        job = self._job(server, requests, connections=clients, seconds=seconds, is_distinct=is_distinct)
        return self._run(server, job)

    def open_loop(self, server: Server, requests: list[Request], arrivals: Sequence[float], seconds: float) -> Measured:
        job = self._job(server, requests, connections=CONNECTIONS, seconds=seconds, arrivals=list(arrivals))
        return self._run(server, job)

    def _job(self, server: Server, requests: list[Request], **settings: object) -> Job:
        plan = {"port": server.port, "requests": requests, "first_number": next(self._first_numbers), **settings}
        return msgspec.convert(plan, Job)

    def _run(self, server: Server, job: Job) -> Measured:
        started_at = time.perf_counter()
        machine_before, server_before, generator_before = _busy_s(), server.cpu_s(), _children_s()
        subprocess.run(
            [sys.executable, "-m", "bench.load.generator", str(self._result)],
            input=msgspec.msgpack.encode(job),
            cwd=ROOT,
            check=True,
            timeout=job.seconds + job.grace_s + 60,
        )
        server_cpu_s = server.cpu_s() - server_before
        foreign_s = _busy_s() - machine_before - server_cpu_s - (_children_s() - generator_before)
        outcome = msgspec.msgpack.decode(self._result.read_bytes(), type=Outcome)
        return Measured(outcome, server_cpu_s, max(foreign_s, 0.0) / (time.perf_counter() - started_at))


def _busy_s() -> float:
    """Seconds that all cores together have been busy since the machine started."""
    times = psutil.cpu_times()
    return float(times.user + times.system + times.nice + getattr(times, "irq", 0) + getattr(times, "softirq", 0))


def _children_s() -> float:
    times = os.times()
    return times.children_user + times.children_system
