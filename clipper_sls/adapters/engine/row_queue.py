"""Rows that wait for a replica, most urgent first.

The heap holds spans of rows of one call, not rows: all rows of a call are due at one time, so taking a batch costs a
heap operation per call and not per row. Spans of calls that are over stay in the heap until they come to its top,
and count for nothing.
"""

import heapq
import itertools
from collections.abc import Iterator, Sequence

from msgspec import Struct

from clipper_sls.adapters.engine.calls import Call
from clipper_sls.domain.query import PackedRow, RowResult, Unanswered


class Span(Struct, eq=False):
    """Rows `start` to `end` of a call. A span that `is_alone` must not share a batch: its row may kill a replica."""

    call: Call
    start: int
    end: int
    is_alone: bool = False

    @property
    def rows(self) -> Sequence[PackedRow]:
        return self.call.rows[self.start : self.end]

    @property
    def size(self) -> int:
        return self.end - self.start

    def answer(self, results: Sequence[RowResult]) -> None:
        self.call.answer(self.start, results)

    def fail(self, reason: Unanswered) -> None:
        self.answer([reason] * self.size)


class Batch:
    """What one replica is asked at once. A `twin` is the same, asked of another: one is the copy of the other."""

    __slots__ = (
        *("budget_s", "is_alone", "is_copy", "is_settled", "oldest_arrival", "replica_id", "size", "spans", "taken_at"),
        "twin",
    )

    def __init__(self, spans: Sequence[Span], taken_at: float) -> None:
        self.spans = spans
        self.taken_at = taken_at
        self.replica_id = 0  # who works on it; none yet
        self.twin: Batch | None = None
        self.is_copy = False
        self.is_settled = False  # its twin was answered
        self.size = sum(span.size for span in spans)
        self.is_alone = spans[0].is_alone
        self.budget_s = spans[0].call.budget_s
        self.oldest_arrival = min(span.call.arrived_at for span in spans)

    @property
    def rows(self) -> list[PackedRow]:
        return [row for span in self.spans for row in span.rows]

    def copied(self, now: float) -> "Batch":
        """The twin for another replica."""
        copy = Batch(self.spans, now)
        copy.is_copy, copy.twin, self.twin = True, self, copy
        return copy

    def answer(self, results: Sequence[RowResult]) -> None:
        """One result per row, in order."""
        done = 0
        for span in self.spans:
            span.answer(results[done : done + span.size])
            done += span.size

    def fail(self, reason: Unanswered) -> None:
        for span in self.spans:
            span.fail(reason)


class RowQueue:
    """Earliest deadline first; among equals, first come first. A row is taken at most once."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Span]] = []
        self._numbers = itertools.count()
        self._row_count = 0
        self._rows_of: dict[str, int] = {}  # by caller

    def __len__(self) -> int:
        """Rows that wait. Those of calls that were cancelled count until they come to the top."""
        self._drop_finished()
        return self._row_count

    def rows_of(self, caller: str) -> int:
        """As `len`, of one caller."""
        return self._rows_of.get(caller, 0)

    def push(self, call: Call) -> None:
        """Let all rows of `call` wait; it has one at least."""
        self._push(Span(call, 0, len(call.rows)))

    def push_apart(self, batch: Batch) -> None:
        """Let the rows of a batch wait again, each to be taken alone."""
        for span in batch.spans:
            if not span.call.is_over:
                for index in range(span.start, span.end):
                    self._push(Span(span.call, index, index + 1, is_alone=True))

    def forget(self, call: Call) -> None:
        """The rows of `call` wait no longer; the call must be over, or be over at once."""
        self._count(call, -call.queued)

    def most_urgent(self, now: float) -> Call | None:
        """The call whose rows come next. Calls that are due by now are given up on the way."""
        while self._heap:
            call = self._heap[0][2].call
            if call.deadline > now and not call.is_over:
                return call
            heapq.heappop(self._heap)
            self.forget(call)
            call.give_up()
        return None

    def take(self, max_rows: int, max_bytes: int, now: float) -> Batch | None:
        """The most urgent rows: at most `max_rows`, and at most `max_bytes` unless one row alone has more."""
        spans: list[Span] = []
        while max_rows > 0 and self.most_urgent(now) is not None:
            waiting = self._heap[0][2]
            if spans and (waiting.is_alone or spans[0].is_alone):
                break
            count, size_bytes = _fitting(waiting, max_rows, max_bytes, is_first=not spans)
            if not count:
                break
            spans.append(self._take_from_top(waiting, count))
            max_rows -= count
            max_bytes -= size_bytes
        return Batch(spans, now) if spans else None

    def drain(self) -> Iterator[Span]:
        """Empty the queue; the spans whose calls still want an answer."""
        while self._heap:
            span = heapq.heappop(self._heap)[2]
            if span.call.queued:
                self._count(span.call, -span.size)
                yield span

    def _push(self, span: Span) -> None:
        if self._heap and self._heap[0][2].call.is_over:
            self._drop_finished()
        self._count(span.call, span.end - span.start)
        heapq.heappush(self._heap, (span.call.deadline, next(self._numbers), span))

    def _drop_finished(self) -> None:
        while self._heap and self._heap[0][2].call.is_over:
            self.forget(heapq.heappop(self._heap)[2].call)

    def _take_from_top(self, waiting: Span, count: int) -> Span:
        taken = Span(waiting.call, waiting.start, waiting.start + count, waiting.is_alone)
        waiting.start += count
        if waiting.start == waiting.end:
            heapq.heappop(self._heap)
        self._count(waiting.call, -count)
        return taken

    def _count(self, call: Call, rows: int) -> None:
        call.queued += rows
        self._row_count += rows
        self._rows_of[call.caller] = self._rows_of.get(call.caller, 0) + rows


def _fitting(span: Span, max_rows: int, max_bytes: int, *, is_first: bool) -> tuple[int, int]:
    """How many rows of `span` fit, and their bytes; the first row of a batch always fits."""
    count = size_bytes = 0
    for index in range(span.start, min(span.end, span.start + max_rows)):
        row_bytes = len(span.call.rows[index])
        if size_bytes + row_bytes > max_bytes and not (is_first and not count):
            break
        count += 1
        size_bytes += row_bytes
    return count, size_bytes
