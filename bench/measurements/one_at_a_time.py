"""One of everything: a start, a deployment, a client."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from bench.contenders.contender import Contender, Server
from bench.contenders.engine import Engine, deploy, engine
from bench.contenders.probe import answers
from bench.load.driver import Driver
from bench.load.figures import Figures, closed_loop
from bench.load.requests import render
from bench.measurements.stage import Tell
from bench.plan import GENEROUS_MS, Plan
from bench.points import Point
from bench.workloads import NO_OP

NAME = "one-at-a-time"


def one_at_a_time(plan: Plan, contender: Contender, round_number: int, tell: Tell) -> Iterator[Point]:
    """Seconds from the start to ready, memory then, and the latency of a single client of the no-op.

    Of clipper-sls also the seconds from the call that deploys to the model's first answer. It is started without a
    model, the others with theirs.
    """
    tell(f"{NAME}, {contender.name}")
    with tempfile.TemporaryDirectory(prefix="clipper-sls-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if isinstance(contender, Engine):
            with engine(folder) as server:
                figures = _start(server) | {"deploy_s": _deployed(server, contender, folder)}
                figures |= _one_client(plan, contender, server, folder)
        else:
            with contender.serving(NO_OP, [GENEROUS_MS], folder) as server:
                figures = _start(server) | _one_client(plan, contender, server, folder)
    yield Point(NAME, NO_OP.name, "1 client", contender.name, round_number, figures)


def _start(server: Server) -> Figures:
    return {"start_s": server.started_in_s, "memory_mib": server.memory_mib()}


def _deployed(server: Server, contender: Engine, folder: Path) -> float:
    started_at = time.perf_counter()
    deploy(folder, contender, NO_OP.name, NO_OP.load(folder), [GENEROUS_MS])
    path = contender.path(NO_OP, GENEROUS_MS)
    while not answers(server.port, path, contender.body, NO_OP.examples()[0]):
        pass
    return time.perf_counter() - started_at


def _one_client(plan: Plan, contender: Contender, server: Server, folder: Path) -> Figures:
    driver = Driver(folder, Random(plan.seed))
    requests = render(contender.path(NO_OP, GENEROUS_MS), contender.body, NO_OP.examples())
    driver.closed_loop(server, requests, 1, plan.warm_up_s)
    measured = driver.closed_loop(server, requests, 1, plan.seconds)
    return closed_loop(measured.outcome) | measured.costs()
