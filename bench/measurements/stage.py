"""Where a contender is measured: a running server, the load generator, and the plan."""

import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.contenders.contender import Contender, Server
from bench.contenders.probe import settle
from bench.load.driver import Driver, Measured
from bench.load.requests import Request, render
from bench.plan import GENEROUS_MS, Plan
from bench.workloads import Workload

Tell = Callable[[str], None]
"""Says what is being measured just now."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One contender serving one workload. Each run begins when the server has got rid of what the last one left it."""

    plan: Plan
    contender: Contender
    workload: Workload
    server: Server
    driver: Driver
    tell: Tell

    def requests(self, objective_ms: int = GENEROUS_MS) -> list[Request]:
        path = self.contender.path(self.workload, objective_ms)
        return render(path, self.contender.body, self.workload.examples())

    def closed_loop(self, clients: int, seconds: float | None = None) -> Measured:
        self._begin(f"{clients} clients")
        return self.driver.closed_loop(self.server, self.requests(), clients, seconds or self.plan.seconds)

    def open_loop(self, objective_ms: int, arrivals: list[float], seconds: float) -> Measured:
        self._begin(f"{len(arrivals) / seconds:.0f} queries a second, {objective_ms} ms")
        return self.driver.open_loop(self.server, self.requests(objective_ms), arrivals, seconds)

    def repeated(self, clients: int, requests: list[Request]) -> Measured:
        self._begin(f"{clients} clients, the same queries")
        return self.driver.closed_loop(self.server, requests, clients, self.plan.seconds, is_distinct=False)

    def warm_up(self) -> None:
        """Lets batch sizes find their way, and whatever is made when it is first needed be made."""
        self.closed_loop(max(self.plan.clients), self.plan.warm_up_s)

    def _begin(self, what: str) -> None:
        self.tell(f"{self.workload.name}, {self.contender.name}: {what}")
        path = self.contender.path(self.workload, GENEROUS_MS)
        settle(self.server.port, path, self.contender.body, self.workload.examples()[0])


@contextmanager
def set_up(plan: Plan, contender: Contender, workload: Workload, round_number: int, tell: Tell) -> Iterator[Stage]:
    """A server started for this alone, warmed up, and ended afterwards. Every round of a plan has its own arrivals."""
    with tempfile.TemporaryDirectory(prefix="clipper-sls-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (served := folder / "server").mkdir()
        tell(f"{workload.name}, {contender.name}: starting")
        with contender.serving(workload, [GENEROUS_MS, *plan.objectives_ms], served) as server:
            driver = Driver(folder, random.Random(plan.seed * 1000 + round_number))
            stage = Stage(plan, contender, workload, server, driver, tell)
            stage.warm_up()
            yield stage
