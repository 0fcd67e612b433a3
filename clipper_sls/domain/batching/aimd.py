"""Additive increase, multiplicative decrease (Crankshaw et al., NSDI'17, section 4.3), with a slow start.

The maximum grows while full batches finish in time and shrinks by a tenth when one does not. A batch that was not full
says nothing about larger ones, so it never raises the maximum. Growth doubles while a batch of twice the size would
still be in time, as TCP's slow start does, so that the first thousand rows are not sent one by one.

What a batch may take is a share of its rows' *budgets*, arrival to deadline, and not of the time they have left when it
starts: under load the time left shrinks, batches would shrink with it, and throughput with them.
"""

ADDITIVE_STEP = 2
BACKOFF = 0.9
SHARE_OF_BUDGET = 0.5
"""A row may have to wait for the batch before its own, which takes as long."""
MAX_SIZE = 4_096
NEWEST_WEIGHT = 0.3
"""Of the newest batch in the average time per row."""


class AimdBatching:
    def __init__(self) -> None:
        self._maximum = 1.0
        self._row_s = 0.0  # seconds per row, averaged over recent batches; 0.0 before the first

    def next_size(self, budget_s: float) -> int:
        allowed_s = budget_s * SHARE_OF_BUDGET
        size = int(self._maximum)
        if self._row_s * size > allowed_s:  # the maximum was learnt from rows with more time
            size = int(allowed_s / self._row_s)
        return max(1, size)

    def observe(self, size: int, latency_s: float, budget_s: float) -> None:
        row_s = latency_s / size
        self._row_s = row_s if not self._row_s else self._row_s + NEWEST_WEIGHT * (row_s - self._row_s)
        allowed_s = budget_s * SHARE_OF_BUDGET
        if latency_s > allowed_s:
            self._maximum = max(1.0, min(self._maximum, float(size)) * BACKOFF)
        elif size >= int(self._maximum):
            step = max(ADDITIVE_STEP, self._maximum) if latency_s * 2.0 <= allowed_s else ADDITIVE_STEP
            self._maximum = min(float(MAX_SIZE), self._maximum + step)
