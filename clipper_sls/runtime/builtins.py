"""Models that need no code of a user: Clipper's no-op and sum containers."""

from collections.abc import Callable, Sequence
from typing import Any

from clipper_sls.domain.bundle import NOOP_ENTRY, SUM_ENTRY

NOOP_PREDICTION = "1.0"


def noop(inputs: Sequence[Any]) -> list[str]:
    """The same prediction for every row, without looking at it."""
    return [NOOP_PREDICTION] * len(inputs)


def sums(inputs: Sequence[Any]) -> list[str]:
    """The sum of each row as text; of a string, its length."""
    return [str(_sum(row)) for row in inputs]


def _sum(row: Any) -> Any:
    if isinstance(row, str):
        return len(row)
    return sum(row.tolist() if hasattr(row, "tolist") else row)


BUILTINS: dict[str, Callable[[Any], Any]] = {NOOP_ENTRY: noop, SUM_ENTRY: sums}
