"""From the packages that a function imports to all that those need: which version of each is installed here.

Read from the metadata of what is installed, so nobody is asked, and the answer is what the function was tried with.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.markers import default_environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from clipper_sls.packaging.requirements import NEVER_REQUIRED, public_version

Find = Callable[[str], Distribution | None]
"""The package of a name, where there is one."""


def installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def locked(
    requirements: Iterable[str],
    given: Sequence[str],
    excluded: Iterable[str] = NEVER_REQUIRED,
    find: Find = installed,
) -> tuple[str, ...]:
    """`name==version` of all that `requirements`, pins of what is installed here, need, themselves included; sorted.

    So do those of `given`, requirements as pip takes them, that what is installed here satisfies. All others of
    `given` stay as they were asked for: neither they nor what only they need is locked, as for those of `excluded`.
    """
    asked = [requirement for text in given if (requirement := _parsed(text)) is not None]
    satisfied = [requirement for requirement in asked if _is_satisfied(requirement, find)]
    left_open = {canonicalize_name(one.name) for one in asked} - {canonicalize_name(one.name) for one in satisfied}
    closure = _Closure(left_open.union(excluded), find)
    closure.add(satisfied)
    closure.add(requirement for text in requirements if (requirement := _parsed(text)) is not None)
    return tuple(f"{name}=={version}" for name, version in sorted(closure.versions.items()))


@dataclass(slots=True)
class _Closure:
    excluded: set[str]
    find: Find
    versions: dict[str, str] = field(default_factory=dict)
    _seen: set[tuple[str, str]] = field(default_factory=set)  # names with each extra that was asked for
    _markers: Mapping[str, str] = field(default_factory=lambda: {**default_environment()})  # type: ignore[dict-item]

    def add(self, requirements: Iterable[Requirement]) -> None:
        waiting = list(requirements)
        while waiting:
            requirement = waiting.pop()
            name = canonicalize_name(requirement.name)
            found = None if name in self.excluded else self.find(name)
            if found is None or _is_editable(found):
                continue
            self.versions[name] = public_version(found)
            for extra in ("", *requirement.extras):
                if (name, extra) not in self._seen:
                    self._seen.add((name, extra))
                    waiting += self._needs(found, extra)

    def _needs(self, found: Distribution, extra: str) -> Iterator[Requirement]:
        for text in found.requires or ():
            requirement = _parsed(text)
            if requirement is None:
                continue
            if requirement.marker is None or requirement.marker.evaluate({**self._markers, "extra": extra}):
                yield requirement


def _parsed(text: str) -> Requirement | None:
    """None for a path or an URL without a name, of which nothing is known before it is installed."""
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def _is_satisfied(requirement: Requirement, find: Find) -> bool:
    found = None if requirement.url is not None else find(requirement.name)
    return found is not None and requirement.specifier.contains(found.version, prereleases=True)


def _is_editable(found: Distribution) -> bool:
    """Then it is the user's own: no index has it."""
    try:
        origin = json.loads(found.read_text("direct_url.json") or "{}")
    except ValueError:
        return False
    return bool(isinstance(origin, dict) and origin.get("dir_info", {}).get("editable"))
