"""Who answers for a model: its current version, and perhaps a canary beside it. Pure."""

from dataclasses import dataclass, replace

from clipper_sls.domain.changes import Change, Put, check_type_fits_links
from clipper_sls.domain.identifiers import ModelId, ModelName, Version
from clipper_sls.domain.records import WHOLE_PERCENT, Canary, Current, ModelVersion, RegistrySnapshot
from clipper_sls.errors import ContainerlessModelError, InvalidSettingError, UnknownModelError, UnknownVersionError


@dataclass(frozen=True, slots=True)
class Answering:
    """`canary` gets `share` of the queries, 0 to 1, and `version` the rest."""

    version: ModelVersion
    canary: ModelVersion | None = None
    share: float = 0.0


def answering(snapshot: RegistrySnapshot, model: ModelName) -> Answering | None:
    """Who shall answer for `model` by what is registered; None when no version is current."""
    current = snapshot.currents.get(model)
    version = snapshot.versions.get(ModelId(model, current.version)) if current else None
    if current is None or version is None:
        return None
    canary = snapshot.versions.get(ModelId(model, current.canary.version)) if current.canary else None
    if current.canary is None or canary is None:
        return Answering(version)
    return Answering(version, canary, current.canary.share)


def set_canary(snapshot: RegistrySnapshot, model: ModelName, version: Version, percent: float) -> tuple[Change, ...]:
    """Give a registered version `percent` of the queries, beside the current one; 0 ends it."""
    current = _current(snapshot, model)
    found = snapshot.versions.get(ModelId(model, version))
    if found is None:
        raise UnknownVersionError(f"model with name '{model}' and version '{version}' does not exist")
    if percent == 0:
        is_canary = current.canary is not None and current.canary.version == version
        return (Put(replace(current, canary=None)),) if is_canary else ()
    if version == current.version:
        raise InvalidSettingError(
            f"Version '{version}' of model '{model}' is current and gets what no other version gets. Name the one that "
            f"is to get a share beside it"
        )
    check_type_fits_links(snapshot, found)
    _check_is_beside(snapshot.versions[ModelId(model, current.version)], found)
    wanted = replace(current, canary=Canary(version, percent))
    return () if wanted == current else (Put(wanted),)


def shares(snapshot: RegistrySnapshot, model: ModelName) -> tuple[tuple[Version, float], ...]:
    """Versions that answer and their percentages, the current one first. Raises UnknownModelError."""
    current = _current(snapshot, model)
    if current.canary is None:
        return ((current.version, WHOLE_PERCENT),)
    canary = current.canary
    return (current.version, WHOLE_PERCENT - canary.percent), (canary.version, canary.percent)


def _current(snapshot: RegistrySnapshot, model: ModelName) -> Current:
    current = snapshot.currents.get(model)
    if current is None or ModelId(model, current.version) not in snapshot.versions:
        known = "has no current version" if snapshot.versions_of(model) else "is not registered"
        raise UnknownModelError(f"Model '{model}' {known}, so there is nothing to share")
    return current


def _check_is_beside(current: ModelVersion, canary: ModelVersion) -> None:
    """Lambda draws between published versions of one function, and we between all others."""
    if (current.function is None) != (canary.function is None):
        raise ContainerlessModelError(
            f"Queries cannot be shared between {current.id} and {canary.id}: one runs on AWS Lambda, and the other not"
        )
