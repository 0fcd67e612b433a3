"""Rates over the last minutes, the way load averages are made."""

import math

TICK_S = 5.0
WINDOWS_S = {"rate_1min": 60.0, "rate_5min": 300.0, "rate_15min": 900.0}


class Meter:
    """Events per second: since the start, and as exponentially weighted averages over Clipper's three windows."""

    def __init__(self, now: float) -> None:
        self._started = now
        self._ticked = now
        self._total = 0
        self._uncounted = 0
        self._rates: dict[str, float] | None = None

    def mark(self, events: int, now: float) -> None:
        if now - self._ticked >= TICK_S:
            self._tick(now)
        self._total += events
        self._uncounted += events

    def rates(self, now: float) -> dict[str, float]:
        if now - self._ticked >= TICK_S:
            self._tick(now)
        overall = self._total / max(now - self._started, 1e-9)
        return {"rate": overall, **(self._rates or dict.fromkeys(WINDOWS_S, overall))}

    def _tick(self, now: float) -> None:
        """Fold the events since the last tick into the averages; ticks that passed in silence fold in at once."""
        elapsed_s = now - self._ticked
        rate = self._uncounted / elapsed_s
        before = self._rates or dict.fromkeys(WINDOWS_S, rate)
        self._rates = {
            name: rate + (before[name] - rate) * math.exp(-elapsed_s / window_s) for name, window_s in WINDOWS_S.items()
        }
        self._ticked = now
        self._uncounted = 0
