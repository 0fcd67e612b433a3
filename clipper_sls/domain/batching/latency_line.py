"""Latency as a line over the batch size, by least squares, the newest batches weighing most."""

NEWEST_WEIGHT = 0.1
MIN_SPREAD = 0.001
"""Least variance of the sizes, as a share of their mean's square, from which a slope can be told."""


class LatencyLine:
    """`latency_s = fixed_s + row_s * size`, neither part negative. After 50 more batches little is left of one.

    A version has one. Its owner tells it of each batch once, and then those who read it.
    """

    __slots__ = ("_latency_s", "_product", "_size", "_square")

    def __init__(self) -> None:
        self._size = self._latency_s = self._square = self._product = 0.0  # weighted means; 0 before the first batch

    def observe(self, size: int, latency_s: float) -> None:
        weight = NEWEST_WEIGHT if self._size else 1.0
        self._size += weight * (size - self._size)
        self._latency_s += weight * (latency_s - self._latency_s)
        self._square += weight * (size * size - self._square)
        self._product += weight * (size * latency_s - self._product)

    @property
    def mean_s(self) -> float:
        """What a batch takes, whatever its size; 0 before the first one."""
        return self._latency_s

    def latency_s(self, size: float) -> float:
        """What a batch of `size` rows would take; in proportion to its rows while all batches were of one size."""
        fixed_s, row_s = self._parts()
        return fixed_s + row_s * size

    def largest(self, allowed_s: float) -> float:
        """How many rows would take `allowed_s`; infinite where rows cost nothing, or where nothing can be told."""
        fixed_s, row_s = self._parts()
        if not self._has_spread or not row_s:
            return float("inf")
        return (allowed_s - fixed_s) / row_s

    @property
    def _variance(self) -> float:
        return self._square - self._size * self._size

    @property
    def _has_spread(self) -> bool:
        return self._variance > MIN_SPREAD * self._size * self._size

    def _parts(self) -> tuple[float, float]:
        if self._has_spread:
            row_s = max(0.0, (self._product - self._size * self._latency_s) / self._variance)
            fixed_s = self._latency_s - row_s * self._size
            if fixed_s >= 0.0:
                return fixed_s, row_s
        return 0.0, self._latency_s / self._size if self._size else 0.0
