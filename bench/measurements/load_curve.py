"""How a server answers as load grows: closed loop, open loop, overload, a burst, all in one visit to it."""

from collections.abc import Iterator

from bench.contenders.baselines import PLAIN
from bench.contenders.contender import Contender
from bench.load.arrivals import BURST, poisson, trace
from bench.load.driver import Measured
from bench.load.figures import Figures, by_second, closed_loop, open_loop
from bench.load.requests import Request, render
from bench.measurements.stage import Stage, Tell, set_up
from bench.plan import Plan
from bench.points import OURS, Point
from bench.workloads import NO_OP, Workload

BASE_LOAD = 0.15
"""A burst's base rate as a share of the capacity; at its height it is half as much again as the server can do."""


def is_wanted(plan: Plan, contender: Contender, workload: Workload) -> bool:
    """Whether there is anything to visit this server for."""
    return plan.has("closed-loop", "open-loop", "overload", "trace") or _has_hits(plan, contender, workload)


def visit(plan: Plan, contender: Contender, workload: Workload, round_number: int, tell: Tell) -> Iterator[Point]:
    """Everything of this module that the plan has, on a server started for it. What overloads it comes last."""

    def point(measurement: str, setting: str, figures: Figures) -> Point:
        return Point(measurement, workload.name, setting, contender.name, round_number, figures)

    with set_up(plan, contender, workload, round_number, tell) as stage:
        capacity = 0.0
        for clients in _clients_of(plan):
            measured = stage.closed_loop(clients)
            figures = closed_loop(measured.outcome)
            capacity = max(capacity, figures["rate_per_s"])
            yield point("closed-loop", _clients(clients), figures | measured.costs())
        if _has_hits(plan, contender, workload):
            for clients in plan.clients:
                yield point("cache-hits", _clients(clients), _hits(stage, clients))
        if capacity:
            for measurement, setting, figures in _open_loops(stage, capacity):
                yield point(measurement, setting, figures)


def _has_hits(plan: Plan, contender: Contender, workload: Workload) -> bool:
    return plan.has("cache-hits") and workload is NO_OP and contender.name in (OURS, PLAIN.name)


def _clients(count: int) -> str:
    return "1 client" if count == 1 else f"{count} clients"


def _clients_of(plan: Plan) -> tuple[int, ...]:
    """Capacity is the best rate of a closed loop, so the open ones need the largest of these anyhow."""
    if plan.has("closed-loop"):
        return plan.clients
    return plan.clients[-2:] if plan.has("open-loop", "overload", "trace") else ()


def _open_loops(stage: Stage, capacity: float) -> Iterator[tuple[str, str, Figures]]:
    plan = stage.plan
    if plan.has("open-loop"):
        for load in plan.loads:
            for objective_ms, figures in _at(stage, load * capacity, capacity):
                yield "open-loop", f"{load:.0%} of capacity, {objective_ms} ms", figures
    if plan.has("trace"):
        yield from _burst(stage, BASE_LOAD * capacity)
    if plan.has("overload"):
        for objective_ms, figures in _at(stage, plan.overload * capacity, capacity):
            yield "overload", f"{plan.overload:.0%} of capacity, {objective_ms} ms", figures


def _at(stage: Stage, rate: float, capacity: float) -> Iterator[tuple[int, Figures]]:
    """For each objective; a server that knows of none is asked once, and its answers are held against all of them."""
    seconds = stage.plan.seconds
    by_path: dict[str, Measured] = {}
    for objective_ms in stage.plan.objectives_ms:
        path = stage.contender.path(stage.workload, objective_ms)
        if path not in by_path:
            by_path[path] = stage.open_loop(objective_ms, poisson(rate, seconds, stage.driver.chance), seconds)
        figures = open_loop(by_path[path].outcome, objective_ms)
        of_capacity = {"goodput_of_capacity": figures["goodput_per_s"] / capacity, "capacity_per_s": capacity}
        yield objective_ms, figures | of_capacity | by_path[path].costs()


def _burst(stage: Stage, base_rate: float) -> Iterator[tuple[str, str, Figures]]:
    """The largest objective; a setting for each second."""
    objective_ms = max(stage.plan.objectives_ms)
    arrivals = trace([base_rate * factor for factor in BURST], stage.driver.chance)
    measured = stage.open_loop(objective_ms, arrivals, float(len(BURST)))
    costs = measured.costs()
    for second, figures in enumerate(by_second(measured.outcome, objective_ms), start=1):
        answers = costs if second == 1 else {}  # of the whole run, so they are told once
        yield "trace", f"second {second}, {objective_ms} ms", figures | answers


def _hits(stage: Stage, clients: int) -> Figures:
    """The workload's examples over and over. Plain FastAPI does not even compute them."""
    requests = stage.requests()
    if stage.contender.name == PLAIN.name:
        requests = [
            _constant(request) for request in render("/constant", stage.contender.body, stage.workload.examples())
        ]
    measured = stage.repeated(clients, requests)
    return closed_loop(measured.outcome) | measured.costs()


def _constant(request: Request) -> Request:
    return Request(request.before, request.after, 0.0, adds_number=False)
