"""An output file: a spool that grows while a run lasts, and one step that makes it the file."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from clipper_sls.domain.bulk.journal import BulkRun, Checkpoint, Journal


class Spool(Protocol):
    """Bytes that are appended to, with a journal beside them. As `BulkOutput`, but for its end."""

    def unfinished(self) -> Journal | None: ...

    def begin(self, run: BulkRun) -> None: ...

    def resume(self, journal: Journal) -> None: ...

    def write(self, lines: bytes, checkpoint: Checkpoint) -> None: ...

    def seal(self) -> None:
        """Nothing more comes; may be repeated, by another process too."""
        ...

    def open(self) -> BinaryIO:
        """What was sealed, to be read; the caller closes it."""
        ...

    def clear(self) -> None:
        """Forget the journal, and what is left of the spool."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class FileOutput:
    """`is_there` tells whether the file is in its place, `publish` puts it there out of the sealed spool."""

    name: str
    spool: Spool
    is_there: Callable[[], bool]
    publish: Callable[[Spool], None]

    def is_finished(self) -> bool:
        return self.is_there()

    def unfinished(self) -> Journal | None:
        return self.spool.unfinished()

    def begin(self, run: BulkRun) -> None:
        self.spool.begin(run)

    def resume(self, journal: Journal) -> None:
        self.spool.resume(journal)

    def write(self, lines: bytes, checkpoint: Checkpoint) -> None:
        self.spool.write(lines, checkpoint)

    def finish(self) -> None:
        self.spool.seal()
        self.publish(self.spool)
        self.spool.clear()

    def close(self) -> None:
        self.spool.close()
