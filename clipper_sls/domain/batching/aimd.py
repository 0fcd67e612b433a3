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
        return max(1, int(min(self._maximum, self._line.largest(budget_s * SHARE_OF_BUDGET))))

    def settled_size(self, budget_s: float) -> int | None:
        if self._maximum < MAX_SIZE and self._fits_twice(budget_s * SHARE_OF_BUDGET):
            return None
        return self.next_size(budget_s)

    def observe(self, size: int, latency_s: float, budget_s: float) -> None:
        allowed_s = budget_s * SHARE_OF_BUDGET
        if latency_s > allowed_s:
            self._maximum = max(1.0, min(self._maximum, float(size)) * BACKOFF)
        elif size >= int(self._maximum):
            step = max(ADDITIVE_STEP, self._maximum) if self._fits_twice(allowed_s) else ADDITIVE_STEP
            self._maximum = min(float(MAX_SIZE), self._maximum + step)

    def _fits_twice(self, allowed_s: float) -> bool:
        return self._line.latency_s(2 * self._maximum) <= allowed_s
