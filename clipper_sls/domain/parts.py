"""How the rows of one query are cut into invocations that each fit. Pure."""

from collections.abc import Sequence

from clipper_sls.domain.envelope import event_bytes


def parts_of(lengths: Sequence[int], *, max_rows: int, max_event_bytes: int) -> list[slice]:
    """Slices of rows of these lengths, in order, each as large as it may be; a row that fits nowhere is alone."""
    parts: list[slice] = []
    start = size = 0
    for index, length in enumerate(lengths):
        is_full = index - start == max_rows or event_bytes(size + length, index - start + 1) > max_event_bytes
        if is_full and index > start:
            parts.append(slice(start, index))
            start, size = index, 0
        size += length
    return [*parts, slice(start, len(lengths))]
