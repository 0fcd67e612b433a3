"""What is kept of a run while it lasts, so that another one can go on after it."""

from typing import Any

import msgspec

from clipper_sls.domain.bulk.rows import Position, ScoredRow
from clipper_sls.errors import ConflictError, StoreUnavailableError


class BulkRun(msgspec.Struct, frozen=True):
    """What the output depends on. `content` changes when the input file does."""

    application: str
    version: str | None
    input: str
    content: str
    columns: tuple[str, ...]
    kept: tuple[str, ...]
    format: str


class Counts(msgspec.Struct, frozen=True):
    """Rows so far; of these default outputs, and those that nobody could be asked about."""

    rows: int = 0
    defaults: int = 0
    failures: int = 0

    def with_rows(self, rows: list[ScoredRow]) -> "Counts":
        defaults = sum(row.is_default for row in rows)
        failures = sum(row.output is None for row in rows)
        return Counts(self.rows + len(rows), self.defaults + defaults, self.failures + failures)


class Checkpoint(msgspec.Struct, frozen=True):
    """Everything before `position` of the input is in the first `size_bytes` bytes of the output."""

    position: Position = Position()
    counts: Counts = Counts()
    size_bytes: int = 0


class Journal(msgspec.Struct, frozen=True):
    """A run that has begun, and how far it has come; `store` is the output's own."""

    run: BulkRun
    checkpoint: Checkpoint
    store: dict[str, Any] = {}


def encode_journal(journal: Journal) -> bytes:
    return msgspec.json.format(msgspec.json.encode(journal))


def decode_journal(content: bytes, name: str) -> Journal:
    """Raises StoreUnavailableError when it is none."""
    try:
        return msgspec.json.decode(content, type=Journal)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreUnavailableError(
            f"{name} cannot be read ({error}), so it is not known how far the run before this one had come. "
            f"Begin anew with --no-resume"
        ) from error


def check_same(before: BulkRun, now: BulkRun, output: str) -> None:
    """Raises ConflictError when the unfinished output is of another run than the one that is to go on."""
    for name in BulkRun.__struct_fields__:
        was, wanted = getattr(before, name), getattr(now, name)
        if was != wanted:
            said = f"of another {name}: {was!r}, and not {wanted!r}" if name != "content" else "of an older input file"
            raise ConflictError(f"The unfinished output {output} is {said}. Begin anew with --no-resume")
