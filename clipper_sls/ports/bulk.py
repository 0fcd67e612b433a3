"""Whole files: where rows come from, who answers them, and where the answers go. Sources and outputs block."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from clipper_sls.domain.bulk.journal import BulkRun, Checkpoint, Journal
from clipper_sls.domain.bulk.rows import Chunk, Position, RowAnswer


class BulkSource(Protocol):
    """A file of rows. Equal positions give equal rows while `content` is equal."""

    @property
    def content(self) -> str:
        """Says whether the file is still the same one. Raises AbsentError, RefusedError or StoreUnavailableError."""
        ...

    def chunks(self, start: Position, rows: int) -> Iterator[Chunk]:
        """What follows `start`, at most `rows` rows at a time, so that no more than that is in memory.

        Raises InvalidInputError when it is no such file, and what `content` raises.
        """
        ...


class BulkOutput(Protocol):
    """A file that is not there until it is whole. One run at a time: another one is a ConflictError.

    `begin` or `resume` comes first, then `write`s, then `finish`. All raise StoreUnavailableError, StorageFullError
    or RefusedError.
    """

    @property
    def name(self) -> str:
        """For messages."""
        ...

    def is_finished(self) -> bool:
        """Whether the file is there, of this run or of any."""
        ...

    def unfinished(self) -> Journal | None:
        """The run that was interrupted, if one was."""
        ...

    def begin(self, run: BulkRun) -> None:
        """Start with nothing; what an interrupted run has left is removed."""
        ...

    def resume(self, journal: Journal) -> None:
        """Go on after `journal.checkpoint`; what was written after that is removed."""
        ...

    def write(self, lines: bytes, checkpoint: Checkpoint) -> None:
        """Append. Once it has returned, or later at the output's leisure, a run can go on after `checkpoint`."""
        ...

    def finish(self) -> None:
        """Put the file in its place, in place of an older one, in one step; and forget the journal."""
        ...

    def close(self) -> None:
        """Let go of what is open; the run can be resumed unless it was finished."""
        ...


class BulkPredictor(Protocol):
    async def predict(self, inputs: Sequence[bytes]) -> Sequence[RowAnswer]:
        """One answer for each input, which is JSON.

        Raises InvalidInputError or RequestTooLargeError when the inputs cannot be asked together; UnconnectedError,
        RequestFailedError, StoreUnavailableError or NoReplicaError when nobody has answered, and it may be asked again.
        """
        ...
