"""What a worker does with the messages it was given, apart from doing it. Pure.

    read -> drop what has expired -> group by version and type -> rows in chunks -> results -> done, again, or never

Moments are those of `Clock.now`, unless they are said to be wall time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice

from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.jobs.messages import JobMessage, Received
from clipper_sls.domain.query import Deadline, DefaultReason, PackedRow, RowResult, Unanswered
from clipper_sls.domain.records import ModelVersion

TRANSIENT = frozenset({DefaultReason.NO_REPLICA, DefaultReason.OVERLOADED, DefaultReason.TIMED_OUT})
"""Reasons that another try may not meet. A model that failed for an input would fail for it again."""

LOOSEST = 2.0
"""Rows share a chunk, and with it the earliest deadline, while none gives up more than half of its time by that."""


@dataclass(slots=True)
class Task:
    """A message that was read, and what is to be asked for it. `results` fill up, by index of the row."""

    received: Received
    message: JobMessage
    rows: Sequence[PackedRow]
    version: ModelVersion
    due: Deadline  # of the job
    until: Deadline  # of the worker
    results: dict[int, RowResult] = field(default_factory=dict)

    @property
    def deadline(self) -> Deadline:
        """Of its rows."""
        return min(self.due, self.until)

    @property
    def answers(self) -> list[RowResult]:
        """One per row, in order; a row that nobody came to has timed out."""
        missing = Unanswered(DefaultReason.TIMED_OUT, "nobody came to it in time")
        return [self.results.get(index, missing) for index in range(len(self.rows))]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows that a version is asked at once: `parts` are tasks and the indices of their rows."""

    version: ModelVersion
    deadline: Deadline
    parts: Sequence[tuple[Task, int]]

    @property
    def rows(self) -> list[PackedRow]:
        return [task.rows[index] for task, index in self.parts]

    def answered(self, results: Sequence[RowResult]) -> None:
        """One result per row, in order."""
        for (task, index), result in zip(self.parts, results, strict=True):
            task.results[index] = result


class Verdict(Enum):
    """What becomes of a message."""

    DONE = "done"
    AGAIN = "again"
    NEVER = "never"


def grouped(tasks: Iterable[Task]) -> Mapping[tuple[ModelId, InputType], list[Task]]:
    """Tasks whose rows may share a chunk, the most urgent first."""
    groups: dict[tuple[ModelId, InputType], list[Task]] = {}
    for task in sorted(tasks, key=lambda task: task.deadline):
        groups.setdefault((task.version.id, task.message.input_type), []).append(task)
    return groups


def next_chunk(waiting: Iterable[tuple[Task, int]], size: int, now: float) -> Chunk:
    """The first rows of `waiting`, at most `size`, as long as their deadlines fit together; it holds one at least.

    All of `waiting`, of which there is some, is of one group, the most urgent first.
    """
    parts = list(islice(waiting, size))
    first = parts[0][0]
    latest = max(first.deadline, now + LOOSEST * (first.deadline - now))
    return Chunk(first.version, first.deadline, [part for part in parts if part[0].deadline <= latest])


def verdict(results: Sequence[RowResult], *, time_left_s: float, tries_left: int) -> Verdict:
    """A job with a row that nobody could answer is tried again while there is time, and given up after the last try."""
    if not any(isinstance(result, Unanswered) and result.reason in TRANSIENT for result in results):
        return Verdict.DONE
    if time_left_s <= 0:
        return Verdict.DONE
    return Verdict.AGAIN if tries_left > 0 else Verdict.NEVER


def failure_of(results: Sequence[RowResult]) -> str:
    """For people: the reasons why rows of a job have no answer, and how many have which."""
    counted: dict[str, int] = {}
    for result in results:
        if isinstance(result, Unanswered) and result.reason in TRANSIENT:
            text = result.reason.value + (f" ({result.detail})" if result.detail else "")
            counted[text] = counted.get(text, 0) + 1
    return ", ".join(f"{count} of {len(results)} rows: {text}" for text, count in counted.items())


def retry_after_s(receive_count: int) -> float:
    """How long to wait before the next try: doubling, so that a model has the time to come back."""
    return min(RETRY_MAX_S, RETRY_FIRST_S * 2.0 ** (receive_count - 1))


RETRY_FIRST_S = 2.0
RETRY_MAX_S = 60.0
