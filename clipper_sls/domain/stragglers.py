"""Which replicas are slow, and when a batch has taken so long that another replica should be asked as well. Pure.

A batch is compared with what others of its size take. Asking twice after a high quantile, for a small share of all, is
what Dean and Barroso call a hedged request (The tail at scale, CACM 2013).
"""

from clipper_sls.domain.batching.latency_line import LatencyLine

CERTAIN_AFTER_BATCHES = 10
NEWEST_WEIGHT = 0.3
"""Of a replica's last batch in what is known of its speed."""
SLOW = 2.0
"""Times as long as the fastest other replica; from there on a replica gets what the others cannot take."""
NOTICEABLE_S = 0.002
"""Who takes no more than this longer than the fastest is not slow: of short batches all times are chance."""
RETRY_S = 1.0
"""A slow replica is tried again so often, with one row, for it may have recovered."""

QUANTILE = 0.95
QUANTILE_STEP = 0.02
FIRST_QUANTILE, LEAST_QUANTILE, MOST_QUANTILE = 2.0, 1.2, 8.0
"""Times as long as expected."""
LEAST_PATIENCE_S = 0.0005
"""Beyond what is expected; a timer is no more exact."""
HEDGED_SHARE = 0.05
"""Of all batches, at most."""
HEDGES_AT_ONCE = 5.0


class Stragglers:
    """`line` is what a batch should take; its owner tells it of a batch after this, and only if `observe` says so."""

    def __init__(self, line: LatencyLine) -> None:
        self._line = line
        self._batches = 0
        self._slowness: dict[int, float] = {}  # by replica: how many times as long as expected it takes
        self._tried_at: dict[int, float] = {}
        self._quantile = FIRST_QUANTILE
        self._hedges = HEDGES_AT_ONCE

    def observe(self, replica_id: int, size: int, latency_s: float, now: float) -> bool:
        """A replica took `latency_s` for `size` rows. Returns whether that tells anything about the others."""
        self._batches += 1
        self._hedges = min(HEDGES_AT_ONCE, self._hedges + HEDGED_SHARE)
        self._tried_at[replica_id] = now
        expected_s = self._line.latency_s(size)
        times = latency_s / expected_s if expected_s else 1.0
        known = self._slowness.get(replica_id, 1.0)
        self._slowness[replica_id] = known + NEWEST_WEIGHT * (times - known)
        if self.is_slow(replica_id):
            return False
        step = QUANTILE if times > self._quantile else QUANTILE - 1.0
        self._quantile = min(MOST_QUANTILE, max(LEAST_QUANTILE, self._quantile + QUANTILE_STEP * step))
        return True

    def forget(self, replica_id: int) -> None:
        """The replica has ended."""
        self._slowness.pop(replica_id, None)
        self._tried_at.pop(replica_id, None)

    def is_slow(self, replica_id: int) -> bool:
        others = [times for other, times in self._slowness.items() if other != replica_id]
        if not others:
            return False
        times, fastest = self._slowness.get(replica_id, 1.0), min(others)
        return times > SLOW * fastest and (times - fastest) * self._line.mean_s > NOTICEABLE_S

    def is_worth_trying(self, replica_id: int, now: float) -> bool:
        """Whether a slow replica has been left alone for long enough."""
        return now - self._tried_at.get(replica_id, 0.0) >= RETRY_S

    def is_needed(self, replica_id: int, rounds_waiting: float) -> bool:
        """Whether the others, with so many rounds of batches before them, would take longer than this slow one."""
        fastest = min(self._slowness.values(), default=1.0)
        return rounds_waiting + 1.0 >= self._slowness.get(replica_id, 1.0) / max(fastest, 1e-9)

    def patience_s(self, size: int) -> float | None:
        """How long to wait for a batch before another replica is asked; None while nobody can tell."""
        if self._batches < CERTAIN_AFTER_BATCHES:
            return None
        expected_s = self._line.latency_s(size)
        return max(expected_s * self._quantile, expected_s + LEAST_PATIENCE_S)

    def may_hedge(self) -> bool:
        """Whether one more batch may be asked twice; then it counts."""
        if self._hedges < 1.0:
            return False
        self._hedges -= 1.0
        return True
