"""One timer for the deadlines of many calls: a timer for each would cost more than the rest of asking does."""

import asyncio
import heapq
import itertools
from collections.abc import Callable

from clipper_sls.adapters.engine.calls import Call
from clipper_sls.ports.clock import Clock

MAX_FINISHED = 256
"""Calls that are over stay until their deadline, unless they are more than this and more than those that are not."""


class Deadlines:
    """Calls `passed` with each call that is not over when its deadline comes."""

    def __init__(self, clock: Clock, passed: Callable[[Call], None]) -> None:
        self._clock = clock
        self._passed = passed
        self._heap: list[tuple[float, int, Call]] = []
        self._numbers = itertools.count()
        self._max_length = MAX_FINISHED
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = float("inf")

    def add(self, call: Call) -> None:
        heapq.heappush(self._heap, (call.deadline, next(self._numbers), call))
        if len(self._heap) > self._max_length:
            self._drop_finished()
        if call.deadline < self._rings_at:
            self._set(call.deadline)

    def _set(self, moment: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at = moment
        delay_s = moment - self._clock.now()
        self._timer = asyncio.get_running_loop().call_later(max(0.0, delay_s), self._ring)

    def _ring(self) -> None:
        now = max(self._rings_at, self._clock.now())  # timers may ring a trifle early
        self._timer, self._rings_at = None, float("inf")
        while self._heap and (self._heap[0][0] <= now or self._heap[0][2].is_over):
            call = heapq.heappop(self._heap)[2]
            if not call.is_over:
                self._passed(call)
        if self._heap:
            self._set(self._heap[0][0])

    def _drop_finished(self) -> None:
        self._heap = [entry for entry in self._heap if not entry[2].is_over]
        heapq.heapify(self._heap)
        self._max_length = 2 * len(self._heap) + MAX_FINISHED
