"""How much each caller asks for. Pure."""

import math

WINDOW_S = 1.0
"""What is older weighs less than 1/e."""
FORGOTTEN_BELOW = 0.5
"""Rows a second; who asks for less takes nothing from anybody."""


class Demand:
    """Rows a second by caller, as exponentially weighted averages. Callers that stay away are forgotten."""

    def __init__(self) -> None:
        self._rows: dict[str, float] = {}  # decayed counts, as of the last reading
        self._new: dict[str, int] = {}  # rows since then
        self._read_at = -math.inf

    def add(self, caller: str, rows: int) -> None:
        self._new[caller] = self._new.get(caller, 0) + rows

    def rates(self, now: float) -> dict[str, float]:
        """Of all callers. What was asked for since the last reading counts as asked for now."""
        fading = math.exp(min(0.0, self._read_at - now) / WINDOW_S)
        rates = {caller: rows * fading for caller, rows in self._rows.items()}
        for caller, rows in self._new.items():
            rates[caller] = rates.get(caller, 0.0) + rows
        self._rows = {caller: rows for caller, rows in rates.items() if rows >= FORGOTTEN_BELOW * WINDOW_S}
        self._new.clear()
        self._read_at = now
        return {caller: rows / WINDOW_S for caller, rows in self._rows.items()}
