"""A fixed maximum, whatever a batch takes."""


class FixedBatching:
    def __init__(self, size: int) -> None:
        self._size = size

    def next_size(self, budget_s: float) -> int:
        return self._size

    def settled_size(self, budget_s: float) -> int | None:
        return self._size

    def observe(self, size: int, latency_s: float, budget_s: float) -> None:
        return
