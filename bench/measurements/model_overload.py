"""A model that is asked for twice of what it can do, by an engine that could do more.

`overload` asks for twice of what the whole server can do, where the processor is soon what is scarce, and the load
generator needs its share of it. Here batches are bounded, so that it is the model.
"""

from collections.abc import Iterator

from bench.contenders.engine import Engine
from bench.load.arrivals import poisson
from bench.load.figures import closed_loop, open_loop
from bench.measurements.stage import Tell, set_up
from bench.plan import Plan
from bench.points import Point
from bench.workloads import ACCELERATOR

NAME = "model-overload"
BATCH_SIZE = 8
"""3,333 rows a second at most."""
SIDES = (Engine(batch_size=BATCH_SIZE),)


def model_overload(plan: Plan, side: Engine, round_number: int, tell: Tell) -> Iterator[Point]:
    """For each objective; capacity is what the closed loop gets of the same server just before."""
    with set_up(plan, side, ACCELERATOR, round_number, tell) as stage:
        measured = stage.closed_loop(max(plan.clients))
        capacity = closed_loop(measured.outcome)["rate_per_s"]
        for objective_ms in plan.objectives_ms:
            arrivals = poisson(plan.overload * capacity, plan.seconds, stage.driver.chance)
            measured = stage.open_loop(objective_ms, arrivals, plan.seconds)
            figures = open_loop(measured.outcome, objective_ms) | measured.costs()
            figures |= {"goodput_of_capacity": figures["goodput_per_s"] / capacity, "capacity_per_s": capacity}
            setting = f"batches of {BATCH_SIZE}, {plan.overload:.0%} of capacity, {objective_ms} ms"
            yield Point(NAME, ACCELERATOR.name, setting, side.name, round_number, figures)
