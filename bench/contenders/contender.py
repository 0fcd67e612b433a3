"""What every server that takes part can do, and a server that runs."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from bench.workloads import Workload

FLAT = '{"input":[%s]}'
"""Clipper's body for one query; `%s` stands for the numbers."""


@dataclass(frozen=True, slots=True)
class Server:
    """`started_in_s` runs from the start of the process until it was ready; for most, until it answered a query."""

    port: int
    process: psutil.Process
    started_in_s: float

    def cpu_s(self) -> float:
        """User and system time of the server's whole tree of processes, those that have ended included."""
        return sum(_cpu_s(process) for process in self.tree())

    def memory_mib(self) -> float:
        """Resident memory of the whole tree; pages that processes share count for each of them."""
        return sum(_rss(process) for process in self.tree()) / 2**20

    def tree(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


class Contender(Protocol):
    """A server that can serve a workload. `name` is short, for tables; `body` is JSON with `%s` for the numbers."""

    @property
    def name(self) -> str: ...

    @property
    def body(self) -> str: ...

    def path(self, workload: Workload, objective_ms: int) -> str:
        """Where to ask; the same for every objective where the server knows no objectives."""
        ...

    def serving(self, workload: Workload, objectives_ms: list[int], folder: Path) -> AbstractContextManager[Server]:
        """A server that answers this workload, until the context ends. `folder` is empty, and its own."""
        ...


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _rss(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss)
    except psutil.Error:
        return 0.0
