"""One `invoke`: its rows, and the answers that have come in so far."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from clipper_sls.domain.query import Deadline, DefaultReason, PackedRow, Predicted, RowResult, Unanswered
from clipper_sls.ports.model_invoker import LateOutput

Answers = Sequence[RowResult]
Asked = asyncio.Future[Answers]

LATE = Unanswered(DefaultReason.TIMED_OUT)


def refused(reason: Unanswered, row_count: int) -> Asked:
    """The answer to a call that is not even tried."""
    answered: Asked = asyncio.get_running_loop().create_future()
    answered.set_result([reason] * row_count)
    return answered


class Call(Struct, eq=False):
    """Answers arrive in any order and from several batches; the last one, or `give_up`, completes `answered`.

    What arrives after that goes to `late`, for whoever asks the same next.
    """

    rows: Sequence[PackedRow]
    arrived_at: float
    deadline: Deadline
    answered: Asked
    late: LateOutput | None = None
    caller: str = ""
    queued: int = 0  # rows that wait in the queue; kept by the queue
    _results: list[RowResult | None] | None = None  # once some have come, and not all
    _missing: int = 0  # of them

    @property
    def is_over(self) -> bool:
        return self.answered.done()

    @property
    def budget_s(self) -> float:
        """How long the rows had when they arrived."""
        return self.deadline - self.arrived_at

    def answer(self, start: int, results: Answers) -> None:
        """Results for the rows from `start` on; each row is answered once."""
        if self.answered.done():
            self._pass_on(start, results)
        elif len(results) == len(self.rows):
            self.answered.set_result(results)  # nearly always
        else:
            self._add(start, results)

    def give_up(self, reason: Unanswered = LATE) -> None:
        """Complete with `reason` for every row that has no answer."""
        if not self.answered.done():
            results = self._results or [None] * len(self.rows)
            self.answered.set_result([reason if result is None else result for result in results])

    def _add(self, start: int, results: Answers) -> None:
        if self._results is None:
            self._results, self._missing = [None] * len(self.rows), len(self.rows)
        self._results[start : start + len(results)] = results
        self._missing -= len(results)
        if not self._missing:
            self.give_up()  # of none

    def _pass_on(self, start: int, results: Answers) -> None:
        if self.late is not None:
            for index, result in enumerate(results, start):
                if isinstance(result, Predicted):
                    self.late(index, result.output)
