"""Pickles a function together with the user's own modules, and finds out what else it needs.

Own modules travel by value: what the function reaches in them is in the pickle, as it is now. Two kinds travel as
sources instead, beside the pickle, and are imported by the replica: those that a function imports while it runs, since
an import statement finds nothing inside a pickle; and those with something in them that cannot be pickled, a lock for
one, which importing makes anew. A module never travels both ways, or its classes would exist twice; the exception is
the deployed function's own module, which always travels by value, so that a training script is not run again.
"""

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from clipper_sls.errors import UnpicklableError
from clipper_sls.packaging.culprit import Culprit, find_culprit
from clipper_sls.packaging.imports import imported_modules
from clipper_sls.packaging.own_modules import SourceModule, loaded_own_modules, own_sources
from clipper_sls.packaging.pickle_reading import PickleContent, read_pickle
from clipper_sls.packaging.pickling import NameOf, by_value, is_picklable, pickle_function

ADVICE = (
    "Create it inside the function, or lazily the first time the function is called, or let the function use plain "
    "data instead. Open files, sockets, locks, connections and generators cannot leave their process."
)


@dataclass(frozen=True, slots=True)
class PickledClosure:
    """`imports` are dotted names of every module that the pickle or a shipped source may import, own ones included."""

    sources: tuple[SourceModule, ...]
    imports: frozenset[str]


def pickle_closure(function: object, identity: str, path: Path, name_of: NameOf | None = None) -> PickledClosure:
    """Pickle `function` into the file `path`. Raises UnpicklableError with the name of the variable in the way.

    What `name_of` gives a name stays outside; the pickle refers to it by that name.
    """
    own = loaded_own_modules()
    home = _home(function)
    sources: dict[str, SourceModule] = {}
    while True:
        travelling = [module for name, module in own.items() if name not in sources or name == home]
        needed = _pickled(function, identity, path, travelling, home, name_of)
        if needed.keys() <= sources.keys():
            break
        sources |= needed
    content = read_pickle(path)
    _check_script_names(function, content)
    return PickledClosure(tuple(sources[name] for name in sorted(sources)), needs(content, sources.values()))


def needs(content: PickleContent, sources: Iterable[SourceModule]) -> frozenset[str]:
    """Dotted names of all that `content` and `sources` may import."""
    names = set(content.modules)
    for code, package in content.functions:
        names.update(imported_modules(code, package))
    for source in sources:
        names.update(source.imports())
    return frozenset(names)


def _pickled(
    function: object,
    identity: str,
    path: Path,
    travelling: list[ModuleType],
    home: str,
    name_of: NameOf | None,
) -> dict[str, SourceModule]:
    """One attempt, with `travelling` by value; returns the own modules that must travel as sources."""
    with by_value(travelling):
        try:
            with path.open("wb") as file:
                pickle_function(function, identity, file, name_of)
        except Exception as error:  # objects raise what they like while they are pickled
            if is_picklable(function, name_of):  # then it was the file
                raise
            culprit = find_culprit(function, functools.partial(is_picklable, name_of=name_of))
            sources = own_sources([culprit.module]) if culprit.module not in (None, "__main__", home) else {}
            if not any(module.__name__ in sources for module in travelling):
                path.unlink()
                raise UnpicklableError(_refusal(function, culprit, error)) from error
            return sources
    return own_sources(needs(read_pickle(path), ()))


def _check_script_names(function: object, content: PickleContent) -> None:
    if content.script_names:
        named = ", ".join(repr(name) for name in sorted(content.script_names))
        raise UnpicklableError(
            f"{_named(function)} cannot be deployed, because of {named} in the script that is running: it can be "
            f"pickled only by its name, and a replica does not have this script. Move it into a module and import that"
        )


def _refusal(function: object, culprit: Culprit, error: Exception) -> str:
    return f"{_named(function)} cannot be deployed, because of {culprit}: {error}. {ADVICE}"


def _named(function: object) -> str:
    if isinstance(function, functools.partial):
        return _named(function.func)
    return repr(getattr(function, "__qualname__", type(function).__qualname__))


def _home(function: object) -> str:
    """The module of the deployed function, of what a partial or a bound method wraps, or of an instance's class."""
    for wrapped in ("func", "__func__"):
        function = getattr(function, wrapped, function)
    return str(getattr(function, "__module__", None))
