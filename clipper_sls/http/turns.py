"""When a request arrived that has only now been read.

An event loop reads what has come in a turn at a time, and reads nothing while it works on that. A request may thus have
been waiting, unread, since the turn before. A deadline that is counted from the moment of reading would grant it that
time once more, and a process that is overloaded would answer everybody too late without noticing.
"""

import asyncio
import time
from collections.abc import Callable


class Turns:
    """What is read in one turn came, on average, in the middle of the time for which the loop was busy before.

    `now` is a clock in seconds; `worked` is the processor time of this thread in seconds, which leaves out how long the
    loop waited for something to do.
    """

    def __init__(self, now: Callable[[], float], worked: Callable[[], float] = time.thread_time) -> None:
        self._now = now
        self._worked = worked
        self._worked_before = worked()
        self._arrival: float | None = None  # of what is read in this turn
        self.last_s = 0.0
        """For how long the loop was busy with the turn before, and probably will be with the next one."""

    def arrival(self) -> float:
        """Of a request that is being read, by `now`."""
        if self._arrival is None:
            worked = self._worked()
            self.last_s, self._worked_before = worked - self._worked_before, worked
            self._arrival = self._now() - self.last_s / 2
            asyncio.get_running_loop().call_soon(self._end)
        return self._arrival

    def _end(self) -> None:
        self._arrival = None
