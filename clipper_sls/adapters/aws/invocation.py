"""The invocation of the function that this process is in. Lambda has one at a time."""

from typing import Protocol

from clipper_sls.domain.query import Deadline
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.prediction_cache import FOREVER


class LambdaContext(Protocol):
    """What Lambda says of an invocation, as far as it is needed."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int: ...


class Invocation:
    """When it ends: `reserve_s` before Lambda would end it, so that there is an answer."""

    def __init__(self, clock: Clock, *, reserve_s: float) -> None:
        self._clock = clock
        self._reserve_s = reserve_s
        self._ends_at = FOREVER

    def begin(self, context: LambdaContext) -> None:
        left_s = context.get_remaining_time_in_millis() / 1000
        self._ends_at = Deadline(self._clock.now() + left_s - self._reserve_s)

    def ends_at(self) -> Deadline:
        return self._ends_at
