"""What adaptive batches are worth: the forest with as many clients as there are, beside the same in batches of one."""

from collections.abc import Iterator

from bench.contenders.engine import Engine
from bench.load.figures import closed_loop
from bench.measurements.stage import Tell, set_up
from bench.plan import Plan
from bench.points import Point
from bench.workloads import FOREST, WORKLOADS

NAME = "batching"
SIDES = (
    Engine(),
    Engine(name="learnt quantiles", options={"batching": "quantile"}),
    Engine(name="batch size 1", batch_size=1),
)


def batching(plan: Plan, side: Engine, round_number: int, tell: Tell) -> Iterator[Point]:
    """One of SIDES, with the forest; or with what the plan has, where it has no forest."""
    clients = max(plan.clients)
    workload = FOREST if FOREST.name in plan.workloads else WORKLOADS[plan.workloads[0]]
    with set_up(plan, side, workload, round_number, tell) as stage:
        measured = stage.closed_loop(clients)
    figures = closed_loop(measured.outcome) | measured.costs()
    yield Point(NAME, workload.name, f"{clients} clients", side.name, round_number, figures)
