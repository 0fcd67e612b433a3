"""Reads what a pickle would import and which functions it holds, without importing or running any of it.

The unpickler's own machine does the walking, so memo, frames and stack are right by construction; only each global
that it asks for is answered by a stand-in that remembers what it was asked to make. Walking opcodes alone finds neither
modules that cloudpickle names in an argument nor imports inside functions.
"""

import logging
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class PickleContent:
    """`modules` are dotted names; `functions` are pairs of code and the package it resolves relative imports in;
    `script_names` are what is looked up in the main script, which no other process has."""

    modules: set[str] = field(default_factory=set)
    functions: list[tuple[CodeType, str]] = field(default_factory=list)
    script_names: set[str] = field(default_factory=set)


def read_pickle(path: Path) -> PickleContent:
    """What the pickle in `path` needs. A pickle that defies reading yields what was seen up to there, and a warning."""
    content = PickleContent()
    with path.open("rb") as file:
        try:
            _Reader(file, content).load()
        except Exception as error:  # stand-ins cannot play every object's part
            _log.warning("The requirements of %s may be incomplete, it could not be read to its end: %s", path, error)
    return content


class _StandIn:
    """Takes the place of any class, function or object: accepts everything, does nothing."""

    def __init__(self, *args: object, **keywords: object) -> None:
        return

    def __call__(self, *args: object, **keywords: object) -> "_StandIn":
        return _StandIn()

    def __setstate__(self, state: object) -> None:
        return

    def __setitem__(self, key: object, value: object) -> None:
        return

    def append(self, item: object) -> None:
        return

    def extend(self, items: object) -> None:
        return

    def add(self, item: object) -> None:
        return


class _Reader(pickle.Unpickler):
    def __init__(self, file: Any, content: PickleContent) -> None:
        super().__init__(file)
        self._content = content
        self._makers: dict[str, Callable[..., object]] = {
            "subimport": self._module,
            "_builtin_type": self._builtin_type,
            "_make_function": self._function,
            "_make_skeleton_class": self._class,
            "_make_skeleton_enum": self._class,
        }

    def find_class(self, module: str, name: str) -> Any:
        self._content.modules.add(module)
        if module == "__main__":
            self._content.script_names.add(name)
        if module.startswith("cloudpickle"):
            return self._makers.get(name, _StandIn)
        return _StandIn

    def persistent_load(self, pid: object) -> object:
        return _StandIn()

    def _module(self, name: str) -> object:
        self._content.modules.add(name)
        return _StandIn()

    def _builtin_type(self, name: str) -> object:
        return self._code if name == "CodeType" else _StandIn

    def _code(self, *args: Any) -> object:
        try:
            return CodeType(*args)
        except (TypeError, ValueError):  # another Python's code
            return _StandIn()

    def _function(self, code: object, names: object, *args: object) -> object:
        if isinstance(code, CodeType):
            self._content.functions.append((code, _package(names)))
        return _StandIn()

    def _class(self, *args: object) -> object:
        return _StandIn


def _package(names: object) -> str:
    """The package of a function with these globals, as the import statement finds it."""
    if not isinstance(names, dict):
        return ""
    if isinstance(package := names.get("__package__"), str):
        return package
    name = str(names.get("__name__", ""))
    return name if "__path__" in names else name.rpartition(".")[0]
