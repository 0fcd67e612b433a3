"""Time."""

from typing import Protocol


class Clock(Protocol):
    """Two readings of time, and waiting. Deadlines use `now`; what is stored uses `wall`."""

    def now(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        ...

    def wall(self) -> float:
        """Seconds since 1970, UTC; may be set by somebody."""
        ...

    async def sleep_until(self, moment: float) -> None:
        """Return once `now()` has reached `moment`; at once when it has already."""
        ...
