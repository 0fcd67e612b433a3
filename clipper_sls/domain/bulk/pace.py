"""How many rows to ask at once, so that none is late: a batch has the application's objective, whatever its size."""

from collections.abc import Iterator, Sequence

START_ROWS = 32
GROWTH = 8
"""A size that was in time grows by an eighth once one was late; it doubles before."""


class Pace:
    """Shared by all who ask at one time; fed with what became of each batch."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = min(START_ROWS, most)
        self._was_late = False

    @property
    def size(self) -> int:
        return self._size

    def observe(self, asked: int, late: int) -> None:
        """Of `asked` rows `late` had no answer in time. Batches smaller than the size never raise it."""
        if late:
            self._was_late = True
            self._size = max(1, min(self._size, asked) // 2)
        elif asked >= self._size:
            step = max(1, self._size // GROWTH) if self._was_late else self._size
            self._size = min(self._most, self._size + step)


def batch_end(inputs: Sequence[bytes], start: int, rows: int, max_bytes: int) -> int:
    """Where a batch from `start` ends that has at most `rows` inputs and `max_bytes` bytes, but at least one input."""
    end, size = start + 1, len(inputs[start])
    while end < len(inputs) and end - start < rows and size + len(inputs[end]) <= max_bytes:
        size += len(inputs[end])
        end += 1
    return end


def halves(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Two ranges in place of one."""
    middle = (start + end) // 2
    yield start, middle
    yield middle, end
