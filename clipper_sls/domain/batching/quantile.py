"""Learnt latencies: the 99th percentile as a line over the batch size (Crankshaw et al., NSDI'17, section 4.3.2).

The line, `latency_s = intercept_s + slope_s * size`, is that of least pinball loss over recent batches (Koenker and
Bassett, Econometrica 1978), neither part negative. The next batch is the largest that fits its share of the budget.

Beyond the sizes it was learnt from, the line is not trusted: there the time is taken to be in proportion to the size,
which an intercept only makes cautious above, plus a small step, or a constant latency would never be found out.
"""

from collections import deque
from heapq import heappush, heapreplace, nlargest
from math import inf

from clipper_sls.domain.batching.aimd import ADDITIVE_STEP, MAX_SIZE, SHARE_OF_BUDGET

TAU = 0.99
"""The quantile of the latency that has to fit."""
FULL_WINDOW, PARTIAL_WINDOW = 256, 64
"""Batches in memory. Only a full one replaces a full one, so quiet hours do not undo what was learnt."""
SPARED, ACCIDENT = 3, 2.0
"""A short history may hold so many batches so many times slower than the others suggest, such as a warm-up."""
SURPRISES, TOLERANCE = 3, 1.01
"""So many batches in a row slower than predicted are no chance: the model has changed, and older ones are forgotten."""
NEWS = 0.125
"""The line is fitted again when this share of the history is new; at once after a surprise or an untried size."""
STEP, MAX_GROWTH = 1.05, 2.0
"""Of the largest batch: how far beyond it to look in any case, and at most."""
BISECTIONS = 24
SHORTEST_S = 1e-9
"""Of any prediction: they are divided by."""

Point = tuple[int, float]
"""Rows and seconds."""


def rivals(points: list[Point], above: int) -> list[Point]:
    """Those that may be among the `above` + 1 highest over some rising line: few smaller batches were as slow."""
    kept, slowest = [], list[float]()
    for point in sorted(points, key=lambda point: (point[0], -point[1])):
        if len(slowest) <= above:
            heappush(slowest, point[1])
        elif point[1] > slowest[0]:
            heapreplace(slowest, point[1])
        else:
            continue
        kept.append(point)
    return kept


def fit_line(points: list[Point]) -> tuple[float, float]:
    """Intercept in seconds and slope in seconds per row of the least pinball loss.

    The loss is convex in the slope once the intercept is the quantile of the rests, so its derivative is bisected.
    """
    beyond = (1.0 - TAU) * len(points)
    top, mean_size = int(beyond) + 1, sum(size for size, _ in points) / len(points)
    candidates = rivals(points, top - 1)
    low_s, high_s = 0.0, max(latency_s / size for size, latency_s in points)
    for _ in range(BISECTIONS):
        slope_s = (low_s + high_s) / 2.0
        rests = nlargest(top, [(latency_s - slope_s * size, size) for size, latency_s in candidates])
        pivot = rests[-1][1] if rests[-1][0] > 0.0 else 0  # or the intercept stays at zero
        pull = sum(size - pivot for rest_s, size in rests if rest_s > 0.0) - beyond * (mean_size - pivot)
        low_s, high_s = (slope_s, high_s) if pull > 0.0 else (low_s, slope_s)
    return max(0.0, nlargest(top, [latency_s - low_s * size for size, latency_s in candidates])[-1]), low_s


def fit_without_accidents(points: list[Point]) -> tuple[float, float]:
    """`fit_line`, but a quantile of a short history is its slowest batch, so accidents are taken out first."""
    spared = min(SPARED - int((1.0 - TAU) * len(points)), len(points) // 2)
    if spared <= 0:
        return fit_line(points)
    ranked = sorted(points, key=lambda point: point[1])
    others, slowest = ranked[:-spared], ranked[-spared:]
    intercept_s, slope_s = fit_line(others)
    return fit_line(others + [p for p in slowest if p[1] <= ACCIDENT * (intercept_s + slope_s * p[0])])


class QuantileBatching:
    """Goes by the batches themselves and not by the version's line: that one is of means, and tells no quantile."""

    def __init__(self) -> None:
        self._full, self._partial = deque[Point](maxlen=FULL_WINDOW), deque[Point](maxlen=PARTIAL_WINDOW)
        self._surprises: list[Point] = []  # the last batches, if they were slower than predicted
        self._smallest = self._largest = 0  # rows
        self._intercept_s = self._slope_s = 0.0
        self._unlearnt = 0  # batches since the last fit

    def next_size(self, budget_s: float) -> int:
        allowed_s = budget_s * SHARE_OF_BUDGET
        smallest_s, largest_s = self._predicted_s(self._smallest), self._predicted_s(self._largest)
        lowest = self._smallest * min(1.0, allowed_s / smallest_s)
        highest = max(self._largest * max(STEP, allowed_s / largest_s), self._largest + ADDITIVE_STEP)
        size = min(max(self._fitting(allowed_s), lowest), highest, self._largest * MAX_GROWTH, MAX_SIZE)
        return max(1, int(size))

    def settled_size(self, budget_s: float) -> int | None:
        size = self.next_size(budget_s)
        return size if self._fitting(budget_s * SHARE_OF_BUDGET) <= MAX_GROWTH * size or size == MAX_SIZE else None

    def observe(self, size: int, latency_s: float, budget_s: float) -> None:
        (self._full if size >= self.next_size(budget_s) else self._partial).append((size, latency_s))
        surprising = latency_s > self._predicted_s(size) * TOLERANCE
        self._surprises = [*self._surprises, (size, latency_s)] if surprising else []
        if len(self._surprises) == SURPRISES:
            self._full, self._partial = deque(self._surprises, FULL_WINDOW), deque(maxlen=PARTIAL_WINDOW)
            self._surprises = []
        self._unlearnt += 1
        news = self._unlearnt >= NEWS * (len(self._full) + len(self._partial))
        if news or surprising or not self._smallest <= size <= self._largest:
            self._learn([*self._full, *self._partial])

    def _learn(self, points: list[Point]) -> None:
        self._smallest, self._largest = min(points)[0], max(points)[0]
        self._intercept_s, self._slope_s = fit_without_accidents(points)
        self._unlearnt = 0

    def _predicted_s(self, size: int) -> float:
        return max(SHORTEST_S, self._intercept_s + self._slope_s * size)

    def _fitting(self, allowed_s: float) -> float:
        rest_s = allowed_s - self._intercept_s
        if self._slope_s > 0.0:
            return rest_s / self._slope_s
        return inf if rest_s >= 0.0 else 0.0
