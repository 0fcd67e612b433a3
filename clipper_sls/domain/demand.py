"""How much each caller asks for. Pure."""

import math

WINDOW_S = 1.0
"""What is older weighs less than 1/e."""
FORGOTTEN_BELOW = 0.5
"""Rows a second; who asks for less takes nothing from anybody."""


class Demand:
    """Rows a second by caller, as exponentially weighted averages. Callers that stay away are forgotten."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[float, float]] = {}  # decayed count, and when it was so

    def add(self, caller: str, rows: int, now: float) -> None:
        count, at = self._rows.get(caller, (0.0, now))
        self._rows[caller] = (count * math.exp((at - now) / WINDOW_S) + rows, now)

    def rates(self, now: float) -> dict[str, float]:
        rates = {
            caller: count * math.exp((at - now) / WINDOW_S) / WINDOW_S for caller, (count, at) in self._rows.items()
        }
        for caller, rate in rates.items():
            if rate < FORGOTTEN_BELOW:
                del self._rows[caller]
        return {caller: rate for caller, rate in rates.items() if rate >= FORGOTTEN_BELOW}
