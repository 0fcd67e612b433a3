"""One model per application: its current version, or the one that the query pins."""

from clipper_sls.domain.identifiers import AppName, ModelId, shortened
from clipper_sls.domain.records import ModelVersion, RegistrySnapshot
from clipper_sls.errors import RequestedVersionError


def choose(snapshot: RegistrySnapshot, application: AppName, pinned: str | None) -> ModelVersion | None:
    """The version to ask; None when no model is linked or none of its versions is current.

    Raises RequestedVersionError when `pinned` is not a version of the linked model.
    """
    models = snapshot.linked(application)
    model = models[0] if models else None
    if pinned is None:
        return snapshot.current(model) if model else None
    found = snapshot.versions.get(ModelId.sought(model, pinned)) if model else None
    if found is None:
        asked = f"model: {model}" if model else f"application: {application}, which has no model linked"
        raise RequestedVersionError(f"Requested version: {shortened(pinned)} does not exist for {asked}")
    return found
