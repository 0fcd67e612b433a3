"""Tells the user's own modules from the standard library and installed packages, and finds their sources.

Own is what lies neither in the standard library nor where packages are installed; a package installed as editable lies
where its author edits it, so it is own.
"""

import importlib.machinery
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from clipper_sls.packaging.imports import imported_modules

INSTALLED_FOLDERS = {"site-packages", "dist-packages"}
ALWAYS_THERE = frozenset(sys.stdlib_module_names) | {"clipper_sls", "__main__", "__mp_main__"}


@dataclass(frozen=True, slots=True)
class SourceModule:
    """One module in a file; `name` is dotted."""

    name: str
    path: Path
    is_package: bool

    @property
    def package(self) -> str:
        return self.name if self.is_package else self.name.rpartition(".")[0]

    @property
    def relative_path(self) -> str:
        """Where it must lie below a folder on `sys.path`."""
        folders = self.package.split(".") if self.package else []
        return "/".join([*folders, self.path.name])

    def imports(self) -> Iterator[str]:
        """Every module that it or a function in it may import; nothing when it is not readable Python."""
        if self.path.suffix != ".py":
            return
        try:
            code = compile(self.path.read_bytes(), str(self.path), "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            return
        yield from imported_modules(code, self.package)


def loaded_own_modules() -> dict[str, ModuleType]:
    """The user's own modules that are imported now, by name."""
    found = {}
    for name, module in sys.modules.copy().items():
        file = getattr(module, "__file__", None)
        is_itself = getattr(module, "__name__", None) == name  # some modules put other objects, or aliases, there
        if is_itself and isinstance(file, str) and not _is_always_there(name) and _is_own(file):
            found[name] = module
    return found


def own_sources(names: Iterable[str]) -> dict[str, SourceModule]:
    """The own modules among `names`, and every own module that importing one of them may import, by name."""
    found: dict[str, SourceModule] = {}
    waiting = list(names)
    seen = set()
    while waiting:
        name = waiting.pop()
        if name in seen or not name:
            continue
        seen.add(name)
        waiting.append(name.rpartition(".")[0])
        if (source := find_own(name)) is not None:
            found[name] = source
            waiting += source.imports()
    return found


def find_own(name: str) -> SourceModule | None:
    """The source of the user's own module `name`; None when it is no module, or not the user's own. Imports nothing."""
    spec = None if _is_always_there(name) else _find_spec(name)
    if spec is None or not spec.has_location or not spec.origin or not _is_own(spec.origin):
        return None
    return SourceModule(name, Path(spec.origin), is_package=spec.submodule_search_locations is not None)


def _find_spec(name: str) -> importlib.machinery.ModuleSpec | None:
    """Like importlib's, but does not import the parents of a submodule."""
    parent = name.rpartition(".")[0]
    path = None
    if parent:
        parent_spec = _find_spec(parent)
        if parent_spec is None or parent_spec.submodule_search_locations is None:
            return None
        path = list(parent_spec.submodule_search_locations)
    for finder in sys.meta_path:
        if hasattr(finder, "find_spec") and (spec := finder.find_spec(name, path)) is not None:
            return spec
    return None


def _is_always_there(name: str) -> bool:
    return name.partition(".")[0] in ALWAYS_THERE


def _is_own(file: str) -> bool:
    path = Path(file).resolve()
    if INSTALLED_FOLDERS.intersection(path.parts):
        return False
    return not any(path.is_relative_to(root) for root in _installed_roots())


@cache
def _installed_roots() -> tuple[Path, ...]:
    paths = sysconfig.get_paths()
    roots = [paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    return tuple(Path(root).resolve() for root in [*roots, *site.getsitepackages(), site.getusersitepackages()])
