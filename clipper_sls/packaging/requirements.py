"""From the modules that a bundle may import to pinned requirements."""

import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, distribution, packages_distributions

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from clipper_sls.packaging.own_modules import find_own

NEVER_REQUIRED = {"clipper-sls", "cloudpickle", "awslambdaric"}
"""Part of every model's environment, whatever the model imports."""


def pinned_requirements(modules: Iterable[str]) -> tuple[str, ...]:
    """`dist==version` of every installed distribution that holds one of `modules` (dotted names), sorted.

    Modules of the standard library, the user's own and those that are not installed here have none.
    """
    by_top_level: dict[str, set[str]] = {}
    for module in modules:
        by_top_level.setdefault(module.partition(".")[0], set()).add(module)
    holders = packages_distributions()
    names = {
        canonicalize_name(name)
        for top_level, group in by_top_level.items()
        if top_level not in sys.stdlib_module_names and top_level in holders and find_own(top_level) is None
        for name in _holding(holders, top_level, group)
    }
    return tuple(_pinned(distribution(name)) for name in sorted(names - NEVER_REQUIRED))


def not_given(pins: Iterable[str], given: Iterable[str]) -> tuple[str, ...]:
    """Those of `pins` whose package is not among `given`, requirements as pip takes them: what is given wins."""
    named = {_name(text) for text in given}
    return tuple(pin for pin in pins if _name(pin) not in named)


def _holding(holders: Mapping[str, list[str]], top_level: str, modules: set[str]) -> list[str]:
    """The distributions that hold `modules`; several may share a top-level name, as those below `google` do."""
    names = list(dict.fromkeys(holders[top_level]))
    if len(names) == 1:
        return names
    return [name for name in names if _holds(distribution(name), modules)]


def _holds(candidate: Distribution, modules: set[str]) -> bool:
    stems = {module.replace(".", "/") for module in modules}
    files = {path.as_posix() for path in candidate.files or ()}
    return any(f"{stem}/__init__.py" in files or f"{stem}.py" in files for stem in stems)


def _pinned(found: Distribution) -> str:
    return f"{canonicalize_name(found.metadata['Name'])}=={public_version(found)}"


def public_version(found: Distribution) -> str:
    """Without a local label such as `+cpu`: what is installed here satisfies the pin, and an index can offer it."""
    try:
        return Version(found.version).public
    except InvalidVersion:
        return found.version


def _name(requirement: str) -> str:
    try:
        return canonicalize_name(Requirement(requirement).name)
    except InvalidRequirement:  # a path or URL: what it names is not known before it is installed
        return requirement
