import math
from dataclasses import dataclass

from clipper_sls.adapters.aws.invocation import Invocation
from clipper_sls.testing.clock import ManualClock


@dataclass
class Context:
    left_ms: int
    aws_request_id: str = "1"

    def get_remaining_time_in_millis(self) -> int:
        return self.left_ms


def test_before_the_first_nothing_ends() -> None:
    assert Invocation(ManualClock(), reserve_s=0.5).ends_at() == math.inf


def test_it_ends_a_little_before_lambda_ends_it() -> None:
    clock = ManualClock()
    invocation = Invocation(clock, reserve_s=0.5)
    invocation.begin(Context(10_000))
    assert invocation.ends_at() == clock.now() + 9.5
