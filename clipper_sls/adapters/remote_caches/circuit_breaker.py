"""When to leave a server alone that does not answer, and when to try it again."""

import math

FAILURES_TO_OPEN = 3
"""In a row. One is bad luck: a restart, a pause of this process."""
TOGETHER_S = 0.01
"""Failures that are less apart have one cause and count as one: all that waited for one answer give up at one time."""
FIRST_PAUSE_S = 0.1
MAX_PAUSE_S = 5.0


class CircuitBreaker:
    """Closed: all may try. Open: nobody, but one at the end of each pause, and each pause is twice the one before it.

    Pure: the caller says what time it is. An attempt that is never heard of again blocks nothing: the next pause
    begins with the attempt and not with its failure.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._failed_at = -math.inf
        self._retry_at: float | None = None  # None: closed
        self._pause_s = FIRST_PAUSE_S

    @property
    def is_open(self) -> bool:
        return self._retry_at is not None

    def may_try(self, now: float) -> bool:
        """Whether to try now; who is told so should."""
        if self._retry_at is None:
            return True
        if now < self._retry_at:
            return False
        self._pause_s = min(2 * self._pause_s, MAX_PAUSE_S)
        self._retry_at = now + self._pause_s
        return True

    def succeeded(self) -> bool:
        """An attempt succeeded; whether that closed it."""
        closes = self._retry_at is not None
        self._failures, self._retry_at, self._pause_s = 0, None, FIRST_PAUSE_S
        return closes

    def failed(self, now: float) -> bool:
        """An attempt failed; whether that opened it. Of one that is open already it is old news."""
        if now - self._failed_at >= TOGETHER_S:
            self._failures += 1
            self._failed_at = now
        opens = self._retry_at is None and self._failures >= FAILURES_TO_OPEN
        if opens:
            self._retry_at = now + self._pause_s
        return opens
