"""When a request arrived that has only now been read.

An event loop reads what has come in a turn at a time, and reads nothing while it works on that. A request may thus have
been waiting, unread, since the turn before. A deadline that is counted from the moment of reading would grant it that
time once more, and a process that is overloaded would answer everybody too late without noticing.
"""

import asyncio
import time
from collections.abc import Callable


class Turns:
    """What is read in one turn came, on average, in the middle of the turn before, if that ended only just now.

    `now` is a clock in seconds; `worked` is the processor time of this thread in seconds, which leaves out how long
    others had the processor.
    """

    def __init__(self, now: Callable[[], float], worked: Callable[[], float] = time.thread_time) -> None:
        self._now = now
        self._worked = worked
        self._worked_before = 0.0
        self._follows_another = False
        self._arrival: float | None = None  # of what is read in this turn
        self.last_s = 0.0
        """How long the turn before took, as the next one probably will; 0 where there was nothing to do meanwhile."""

    def arrival(self) -> float:
        """Of a request that is being read, by `now`."""
        if self._arrival is None:
            worked = self._worked()
            self.last_s = worked - self._worked_before if self._follows_another else 0.0
            self._worked_before = worked
            self._follows_another = True
            self._arrival = self._now() - self.last_s / 2
            asyncio.get_running_loop().call_soon(self._end)
        return self._arrival

    def _end(self) -> None:
        """Everything has been read; what comes now is of the next turn."""
        self._arrival = None
        asyncio.get_running_loop().call_soon(self._pause)

    def _pause(self) -> None:
        """The loop has looked once more. If nothing had come by then, whatever comes is read when it comes."""
        if self._arrival is None:
            self._follows_another = False
