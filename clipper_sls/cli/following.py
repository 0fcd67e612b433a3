"""The ends of log files, and what is added to them from then on, also to files that appear later."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

Lines = Iterator[tuple[str, str]]


class FollowedLogs:
    """`find` gives the files that there are now, by name.

    The end of a file and the place from which it is followed come from one reading, so that no line falls between.
    """

    def __init__(self, find: Callable[[], Mapping[str, Path]]) -> None:
        self._find = find
        self._read_up_to: dict[str, int] = {}

    def last_lines(self, count: int) -> Lines:
        """Names and the last complete lines of each file, `count` or fewer; call it before `new_lines`."""
        for name, path in self._find().items():
            lines = self._lines(name, path)
            yield from ((name, line) for line in lines[max(0, len(lines) - count) :])

    def new_lines(self) -> Lines:
        """Names and complete lines that were written since the last call."""
        for name, path in self._find().items():
            yield from ((name, line) for line in self._lines(name, path))

    def _lines(self, name: str, path: Path) -> list[str]:
        start = self._read_up_to.get(name, 0)
        if _size(path) < start:
            start = 0  # the engine cut the file to its newest half
        try:
            with path.open("rb") as file:
                file.seek(start)
                complete, newline, _ = file.read().rpartition(b"\n")
        except OSError:
            return []
        self._read_up_to[name] = start + len(complete) + len(newline)
        return complete.decode(errors="replace").splitlines()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
