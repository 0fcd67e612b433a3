import pytest

from bench.__main__ import parser as option_parser
from bench.__main__ import plan_of
from bench.contenders.baselines import LIMIT, PLAIN
from bench.contenders.contender import Contender
from bench.contenders.engine import Engine
from bench.plan import Plan
from bench.run import turns

CONTENDERS: list[Contender] = [Engine(), PLAIN, LIMIT]


def plan(*arguments: str) -> Plan:
    return plan_of(option_parser().parse_args(arguments))


def test_without_options_everything_is_measured_in_three_rounds() -> None:
    assert plan() == Plan()
    assert plan().rounds == 3


def test_a_quick_look_is_one_short_round_that_options_can_change() -> None:
    quick = plan("--quick", "--clients", "2", "3", "--workloads", "forest")
    assert (quick.rounds, quick.clients, quick.workloads) == (1, (2, 3), ("forest",))
    assert quick.seconds < Plan().seconds


def test_warming_up_takes_no_longer_than_measuring() -> None:
    assert plan("--seconds", "0.2").warm_up_s == 0.2


@pytest.mark.parametrize("name", ["closed-loop", "open-loop", "overload", "trace"])
def test_every_contender_is_visited_once_a_round_for_each_workload(name: str) -> None:
    assert len(turns(plan("--only", name, "--rounds", "2"), CONTENDERS)) == 2 * 3 * 3


def test_only_what_is_asked_for_is_run() -> None:
    assert len(turns(plan("--only", "cache-hits", "--rounds", "1"), CONTENDERS)) == 2
    assert len(turns(plan("--only", "batching", "slow-replica", "--rounds", "1"), CONTENDERS)) == 3 + 3
    assert len(turns(plan("--only", "model-overload", "--rounds", "1"), CONTENDERS)) == 1
    assert len(turns(plan("--only", "one-at-a-time", "--rounds", "1"), CONTENDERS)) == 3
