"""Additive increase, multiplicative decrease (Crankshaw et al., NSDI'17, section 4.3), with a slow start.

The maximum grows while full batches finish in time and shrinks by a tenth when one does not. A batch that was not full
says nothing about larger ones, so it never raises the maximum. Growth doubles while a batch of twice the size should
still be in time, as TCP's slow start does, so that the first thousand rows are not sent one by one.

What a batch may take is a share of its rows' *budgets*, arrival to deadline, and not of the time they have left when it
starts: under load the time left shrinks, batches would shrink with it, and throughput with them.
"""

from clipper_sls.domain.batching.latency_line import LatencyLine

ADDITIVE_STEP = 2
BACKOFF = 0.9
SHARE_OF_BUDGET = 0.5
"""A row may have to wait for the batch before its own, which takes as long."""
MAX_SIZE = 4_096


class AimdBatching:
    """`line` is that of the version, and is told of each batch before this is."""

    def __init__(self, line: LatencyLine) -> None:
        self._maximum = 1.0
        self._line = line

    def next_size(self, budget_s: float) -> int:
        """The maximum, unless it was learnt from rows with more time and would take these too long."""
        allowed_s = self._allowed_s(budget_s)
        if self._line.latency_s(1) > allowed_s:
            return int(self._maximum)  # not even one row would be in time, so the more of them at once the better
        return max(1, int(min(self._maximum, self._line.largest(allowed_s))))

    def settled_size(self, budget_s: float) -> int | None:
        if self._maximum < MAX_SIZE and self._line.latency_s(2 * self._maximum) <= self._allowed_s(budget_s):
            return None
        return self.next_size(budget_s)

    def observe(self, size: int, latency_s: float, budget_s: float) -> None:
        allowed_s = self._allowed_s(budget_s)
        if latency_s > allowed_s:
            self._shrink(size, allowed_s)
        elif size >= int(self._maximum):
            fits_twice = self._line.latency_s(2 * self._maximum) <= allowed_s
            step = max(ADDITIVE_STEP, self._maximum) if fits_twice else ADDITIVE_STEP
            self._maximum = min(float(MAX_SIZE), self._maximum + step)

    def _shrink(self, size: int, allowed_s: float) -> None:
        """Unless it is of no use: a model that takes too long for a single row is not made faster by smaller ones."""
        if self._line.latency_s(1) <= allowed_s:
            self._maximum = max(1.0, min(self._maximum, float(size)) * BACKOFF)

    def _allowed_s(self, budget_s: float) -> float:
        """The share of the budget; all of it where the share is not enough for a single row."""
        share_s = SHARE_OF_BUDGET * budget_s
        return share_s if self._line.latency_s(1) <= share_s else budget_s
