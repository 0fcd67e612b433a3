"""One model per application: its current version, or the one that the query pins."""

from collections.abc import Callable

from clipper_sls.domain.identifiers import AppName, ModelId, ModelName, shortened
from clipper_sls.domain.records import ModelVersion, RegistrySnapshot
from clipper_sls.errors import RequestedVersionError

Chance = Callable[[], float]
"""A number from 0 up to 1, another one each time."""


def drawn(snapshot: RegistrySnapshot, model: ModelName, chance: Chance | None) -> ModelVersion | None:
    """The current version, or its canary as often as that is to be asked; None when no version is current.

    Without `chance` nothing is drawn.
    """
    if chance is not None and snapshot.canaries and model in snapshot.canaries:
        share, canary = snapshot.canaries[model]
        if chance() < share:
            return canary
    return snapshot.current(model)


def choose(
    snapshot: RegistrySnapshot, application: AppName, pinned: str | None, chance: Chance | None = None
) -> ModelVersion | None:
    """The version to ask; None when no model is linked or none of its versions is current.

    Raises RequestedVersionError when `pinned` is not a version of the linked model.
    """
    models = snapshot.linked(application)
    model = models[0] if models else None
    if pinned is None:
        return drawn(snapshot, model, chance) if model else None
    found = snapshot.versions.get(ModelId.sought(model, pinned)) if model else None
    if found is None:
        asked = f"model: {model}" if model else f"application: {application}, which has no model linked"
        raise RequestedVersionError(f"Requested version: {shortened(pinned)} does not exist for {asked}")
    return found
