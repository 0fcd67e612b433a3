"""Whether a model version can run in the engine's own interpreter, and what its own environment would hold. Pure."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from clipper_sls.domain.bundle import Manifest

_NEGOTIABLE = frozenset(("numpy",))
"""Packages of the runtime's for which any version will do, so that the model's packages may choose it."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a virtual environment is built from. Equal recipes share one environment."""

    python: str  # "3.11"
    packages: tuple[str, ...]  # as pip takes them
    constraints: tuple[str, ...] = ()  # versions of those, and of what they need

    @property
    def key(self) -> str:
        """32 hex digits, a folder name."""
        parts = [self.python, self.packages, *([self.constraints] if self.constraints else [])]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def recipe_for(
    manifest: Manifest,
    *,
    locked: Sequence[str] = (),
    host_python: str,
    installed_version: Callable[[str], str | None],
    runtime_requirements: Sequence[str],
) -> Recipe | None:
    """The environment that a version needs; None when the host's will do.

    `locked` are the pins of the bundle's lock. `installed_version` gives the version of a package of the host, None
    when it is not installed.
    """
    if _fits_host(manifest, locked, host_python, installed_version):
        return None
    python = manifest.python if manifest.holds_pickle else host_python
    packages = packages_for(manifest, runtime_requirements)
    return Recipe(python, packages, constraints_for(packages, locked))


def packages_for(manifest: Manifest, runtime_requirements: Sequence[str]) -> tuple[str, ...]:
    """All that a replica needs where nothing is installed, as pip takes it: the model's packages and the runtime's."""
    by_hand = manifest.pkgs_to_install
    own = (*_beside(by_hand, sorted(manifest.requirements)), *by_hand)
    relaxed = [str(_name(text)) if _name(text) in _NEGOTIABLE else text for text in runtime_requirements]
    return (*own, *_beside(own, relaxed))


def constraints_for(packages: Sequence[str], pins: Iterable[str]) -> tuple[str, ...]:
    """Those of `pins` about which `packages` say nothing exact; a contradiction would be the installer's to find."""
    exact = {_name(text) for text in packages if _is_exact(text)}
    return tuple(pin for pin in pins if _name(pin) not in exact)


def settled(manifest: Manifest, locked: Sequence[str], runtime_lock: Sequence[str]) -> tuple[str, ...]:
    """Pins for a build whose outcome should not depend on its day: `locked`, and `runtime_lock` beside it.

    What was given by hand and is not locked may need other versions of the latter, numpy for one; then it may choose.
    """
    is_all_locked = not _beside(locked, manifest.pkgs_to_install)
    return (*locked, *(_beside(locked, runtime_lock) if is_all_locked else ()))


def _is_exact(text: str) -> bool:
    try:
        return any(specifier.operator in ("==", "===") for specifier in Requirement(text).specifier)
    except InvalidRequirement:
        return False


def _fits_host(
    manifest: Manifest, locked: Sequence[str], host_python: str, installed_version: Callable[[str], str | None]
) -> bool:
    if manifest.pkgs_to_install or (manifest.holds_pickle and manifest.python != host_python):
        return False
    return all(_is_installed(requirement, installed_version) for requirement in (*manifest.requirements, *locked))


def _is_installed(text: str, installed_version: Callable[[str], str | None]) -> bool:
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return False  # a path or URL, which uv may know what to do with
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    if requirement.url is not None or requirement.extras:
        return False
    version = installed_version(requirement.name)
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def _beside(chosen: Sequence[str], others: Sequence[str]) -> list[str]:
    """Those of `others` about which `chosen` says nothing: who asks by hand wins over what was found by analysis."""
    named = {_name(text) for text in chosen} - {None}
    return [text for text in others if _name(text) not in named]


def _name(text: str) -> str | None:
    try:
        return canonicalize_name(Requirement(text).name)
    except InvalidRequirement:
        return None
