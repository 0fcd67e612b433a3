"""Names of source files that are the same wherever a project lies, for what is pickled by value.

Code objects, functions' globals and modules hold the paths that they were read from. None is needed to run them; a
traceback shows the first. So a file is named as it is imported, `shop/prices.py`: relative to the folder on
`sys.path` that holds it. What lies in none of them, a notebook's cells for instance, keeps its last part.
"""

import functools
import re
import sys
from collections.abc import Iterator, MutableMapping, Sequence
from pathlib import Path
from typing import Any

FILE, PATH = "__file__", "__path__"
_COUNTED = re.compile(r"<((?:ipython|python)-input)-\d+(-[0-9a-f]+)?>")
"""Inputs of interactive sessions are numbered as they come; IPython adds a digest of what was typed."""


def shown_path(file: str, folders: Sequence[str] | None = None) -> str:
    """What stands for `file` in a bundle. What is relative, or no path (`<string>`), stays as it is.

    `folders` are those that modules are imported from, by default `sys.path`.
    """
    if not Path(file).is_absolute():
        return _COUNTED.sub(r"<\1\2>", file)
    return _shown(file, tuple(sys.path if folders is None else folders))


def make_placeless(names: MutableMapping[str, Any], folders: Sequence[str] | None = None) -> None:
    """Rename the files in the dictionary of a module or of a function's globals, in place, as `shown_path` does."""
    if isinstance(file := names.get(FILE), str):
        names[FILE] = shown_path(file, folders)
    if isinstance(places := names.get(PATH), list):
        names[PATH] = [shown_path(place, folders) for place in places]


@functools.lru_cache(maxsize=1024)
def _shown(file: str, folders: Sequence[str]) -> str:
    below = [relative for folder in _resolved(folders) if (relative := _below(Path(file), folder)) is not None]
    return min(below, key=len) if below else Path(file).name


def _resolved(folders: Sequence[str]) -> Iterator[Path]:
    for entry in folders:
        folder = Path(entry).absolute()
        yield folder
        yield folder.resolve()


def _below(file: Path, folder: Path) -> str | None:
    return file.relative_to(folder).as_posix() if file != folder and file.is_relative_to(folder) else None
