"""Queries that have come and that nobody has looked at yet.

Looking at a few hundred of them takes longer than a model takes for a batch. Whoever did that in one go would leave
the replicas, whose answers come the same way, without work meanwhile, and would not notice how old the last ones grew.
So they are put here first, and looked at for a millisecond at a time.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from msgspec import Struct

from clipper_sls.domain.records import Application
from clipper_sls.domain.shedding import Shedding

WORK_S = 0.001
"""At a time; then whatever else has come is read."""


class Letter(Struct, frozen=True):
    """`answer` takes the HTTP answer, and must not raise."""

    application: Application
    content: bytes
    arrived: float
    answer: Callable[..., None]


class Inbox:
    """`look` is called for each letter, the newest first; `give_up`, which is to be quick, for one that is too old."""

    def __init__(
        self, now: Callable[[], float], *, look: Callable[[Letter], None], give_up: Callable[[Letter], None]
    ) -> None:
        self._now = now
        self._look = look
        self._give_up = give_up
        self._letters: deque[Letter] = deque()
        self._shedding = Shedding()
        self._is_due = False

    def put(self, letter: Letter) -> None:
        self._letters.append(letter)
        self._work_soon()

    def answered(self, letter: Letter) -> None:
        """A letter that was looked at has its answer."""
        self._shedding.answered(is_late=self._now() > letter.arrived + letter.application.slo_s)

    def _work_soon(self) -> None:
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._work)

    def _work(self) -> None:
        self._is_due = False
        now = self._now()
        until = now + WORK_S
        while self._letters and now < until:
            self._give_up_old(now)
            if self._letters:
                self._look(self._letters.pop())
            now = self._now()
        if self._letters:
            self._work_soon()

    def _give_up_old(self, now: float) -> None:
        while self._letters:
            oldest = self._letters[0]
            if not self._shedding.is_too_old(now - oldest.arrived, oldest.application.slo_s):
                return
            self._give_up(self._letters.popleft())
