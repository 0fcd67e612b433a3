"""A row of an input file, and what became of it."""

from typing import Any

from msgspec import Struct

from clipper_sls.domain.query import OutputJson


class BulkRow(Struct, frozen=True, gc=False):
    """`input_json` is the input as JSON; None where the row is no input of the application, and `problem` says why."""

    input_json: bytes | None
    problem: str = ""
    kept: tuple[Any, ...] = ()  # values that go into the output as they are


class RowAnswer(Struct, frozen=True, gc=False):
    """What the application said to one input; `reason` is a `DefaultReason` where it is the default output."""

    output: OutputJson
    reason: str | None = None
    detail: str = ""


class ScoredRow(Struct, frozen=True, gc=False):
    """What is written of one row. `output` is None when the application has not answered it at all."""

    output: OutputJson | None
    is_default: bool = False
    error: str | None = None
    kept: tuple[Any, ...] = ()


class Position(Struct, frozen=True):
    """Where in its file a source goes on: a byte, or for formats without them a row."""

    offset: int = 0
    row: int = 0


class Chunk(Struct, frozen=True):
    """Rows that follow one another, the place after them, and how much of the file lies before that, 0 to 1."""

    rows: list[BulkRow]
    end: Position
    share: float


def scored(row: BulkRow, answer: RowAnswer) -> ScoredRow:
    """A row with its answer; a default output says why it is one."""
    if answer.reason is None:
        return ScoredRow(answer.output, kept=row.kept)
    error = f"{answer.reason}: {answer.detail}" if answer.detail else answer.reason
    return ScoredRow(answer.output, is_default=True, error=error, kept=row.kept)


def unanswered(row: BulkRow, problem: str) -> ScoredRow:
    """A row that nobody could be asked about."""
    return ScoredRow(None, error=f"invalid_input: {problem}", kept=row.kept)
