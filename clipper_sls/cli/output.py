"""Where a command's words go: data to standard output, notes, progress and errors to standard error."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

PIPE_COLUMNS = 10_000
"""Width of a table that goes to a file or a pipe, so that no cell is folded, whatever COLUMNS says."""


@dataclass(frozen=True, slots=True)
class Output:
    """What one command prints. With `as_json` standard output is exactly one JSON document."""

    as_json: bool

    def document(self, value: Any) -> None:
        """`value` as JSON; call it where `as_json` is set."""
        print(json.dumps(value, indent=2, ensure_ascii=False))

    def lines(self, lines: Iterable[str]) -> None:
        """Text as it is, without markup and without wrapping."""
        for line in lines:
            print(line, flush=True)

    def line(self, text: str) -> None:
        """One of them."""
        print(text, flush=True)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> None:
        """Columns apart by blanks, for people and for awk; those named in `right` are aligned to the right."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
        for column in columns:
            table.add_column(column.upper(), justify="right" if column in right else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(_shown(cell)) for cell in row))
        console = _console(to_stderr=False)
        if console.is_terminal:
            console.print(table)
            return
        with console.capture() as shown:
            console.print(table)
        self.lines(line.rstrip() for line in shown.get().splitlines())

    def fields(self, values: dict[str, object]) -> None:
        """One name and value a line."""
        width = max(len(name) for name in values)
        self.lines(f"{name:<{width}}  {_shown(value)}" for name, value in values.items())

    def note(self, text: str) -> None:
        """A sentence for people; never data."""
        print(text, file=sys.stderr, flush=True)

    def done(self, note: str, document: dict[str, Any]) -> None:
        """How a command that changes something ends."""
        if self.as_json:
            self.document(document)
        else:
            self.note(note)

    @contextmanager
    def progress(self, text: str) -> Iterator[None]:
        """A spinner while something takes its time; nothing when standard error is no terminal."""
        from rich.text import Text

        with _console(to_stderr=True).status(Text(text)):
            yield


def when(seconds: float | None) -> str:
    """Seconds since 1970 as local time."""
    if seconds is None:
        return ""
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _console(*, to_stderr: bool) -> "Console":
    """rich itself respects NO_COLOR, TERM and what is no terminal."""
    from rich.console import Console

    console = Console(stderr=to_stderr)
    if console.is_terminal:
        return console
    return Console(stderr=to_stderr, width=PIPE_COLUMNS)


def _shown(cell: object) -> str:
    match cell:
        case None | "" | [] | ():
            return "-"
        case bool():
            return "yes" if cell else "no"
        case list() | tuple():
            return ", ".join(str(item) for item in cell)
        case _:
            return str(cell)
