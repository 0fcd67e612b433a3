"""The rules of management: from a snapshot and a wish to the changes that fulfil it, or to the error that says why not.

Pure. Whoever calls commits the changes against the snapshot's revision and decides again when that was stale. The
message texts are Clipper's (`management_frontend.hpp`), which scripts have come to match on.
"""

from dataclasses import dataclass, replace

from clipper_sls.domain.identifiers import AppName, ModelId, ModelName, Version
from clipper_sls.domain.records import (
    Application,
    Current,
    Link,
    ModelVersion,
    Record,
    RegistrySnapshot,
    Scaling,
)
from clipper_sls.domain.serving_options import options_of
from clipper_sls.errors import (
    ApplicationExistsError,
    ContainerlessModelError,
    IncompatibleInputTypeError,
    InvalidSettingError,
    LinkExistsError,
    UnknownApplicationError,
    UnknownLinkError,
    UnknownModelError,
    UnknownVersionError,
    VersionContentError,
    VersionExistsError,
)


@dataclass(frozen=True, slots=True)
class Put:
    """Write a record, replacing the one with its key."""

    record: Record


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a record; removing what is not there is no error."""

    record: Record


Change = Put | Delete


def register_application(snapshot: RegistrySnapshot, application: Application) -> tuple[Change, ...]:
    if application.name in snapshot.applications:
        raise ApplicationExistsError(f"application '{application.name}' already exists")
    return (Put(application),)


def delete_application(snapshot: RegistrySnapshot, name: AppName) -> tuple[Change, ...]:
    application = snapshot.applications.get(name)
    if application is None:
        raise UnknownApplicationError(f"Application '{name}' does not exist")
    links = tuple(Delete(Link(name, model)) for model in snapshot.linked(name))
    return (*links, Delete(application))


def link_model(snapshot: RegistrySnapshot, name: AppName, models: tuple[ModelName, ...]) -> tuple[Change, ...]:
    application = snapshot.applications.get(name)
    if application is None:
        raise UnknownApplicationError(f"No app with name '{name}' exists.")
    if len(models) > 1:
        raise InvalidSettingError(
            f"Applications must be linked with at most one model. Attempted to add links to {len(models)} models."
        )
    if not models:
        raise InvalidSettingError(
            f"Please provide the name of the model that you want to link to the application '{name}'"
        )
    (model,) = models
    _check_linkable(snapshot, application, model)
    return (Put(Link(name, model)),)


def _check_linkable(snapshot: RegistrySnapshot, application: Application, model: ModelName) -> None:
    versions = snapshot.versions_of(model)
    if not versions:
        raise UnknownModelError(f"No model with name '{model}' exists.")
    linked = snapshot.linked(application.name)
    if model in linked:
        raise LinkExistsError(f"The model with name '{model}' is already linked to '{application.name}'")
    if linked:
        raise LinkExistsError(f"A model with name {linked[0]} is already linked to '{application.name}'.")
    input_type = (snapshot.current(model) or versions[-1]).input_type
    if input_type is not application.input_type:
        raise IncompatibleInputTypeError(
            f"Model with name '{model}' has incompatible input_type '{input_type}'. "
            f"Requested app to link to has input_type '{application.input_type}'."
        )


def unlink_models(snapshot: RegistrySnapshot, name: AppName, models: tuple[ModelName, ...]) -> tuple[Change, ...]:
    if name not in snapshot.applications:
        raise UnknownApplicationError(f"No app with name {name} exists.")
    for model in models:
        if model not in snapshot.linked(name):
            raise UnknownLinkError(f"Cannot remove nonexistent link between app {name} and model {model}")
    return tuple(Delete(Link(name, model)) for model in models)


def check_version_is_new(snapshot: RegistrySnapshot, wanted: ModelVersion) -> None:
    """Raise what `register_version` would raise; asked before any replica is started for `wanted`."""
    existing = snapshot.versions.get(wanted.id)
    if existing is not None:
        message = f"model with name '{wanted.id.name}' and version '{wanted.id.version}' already exists"
        if existing.content != wanted.content:
            raise VersionContentError(
                f"{message} with other content or at another url, and keeps serving. A version never changes: "
                f"deploy this as another one"
            )
        if existing.serving != wanted.serving:
            raise VersionContentError(
                f"{message} with other options (it has {_differing(existing, wanted)}), and keeps serving. "
                f"A version never changes: deploy this as another one"
            )
        raise VersionExistsError(message)
    check_type_fits_links(snapshot, wanted)


def _differing(existing: ModelVersion, wanted: ModelVersion) -> str:
    """The options of `existing` that `wanted` has not."""
    before, after = (options_of(version.serving, version.batch_size) for version in (existing, wanted))
    return ", ".join(f"{name}={before.get(name)}" for name in before if before.get(name) != after.get(name))


def register_version(snapshot: RegistrySnapshot, wanted: ModelVersion, make_current: bool = True) -> tuple[Change, ...]:
    """Add `wanted` and, unless told otherwise, let it answer from the same commit on."""
    check_version_is_new(snapshot, wanted)
    if not make_current:
        return (Put(wanted),)
    return (Put(wanted), Put(_switched(snapshot, wanted.id, wanted.registered_at)))


def set_current(snapshot: RegistrySnapshot, model: ModelName, version: Version, at: float) -> tuple[Change, ...]:
    """Roll a model forward or back to a registered version."""
    if not snapshot.versions_of(model):
        raise UnknownModelError(f"Cannot set version for nonexistent model '{model}'")
    wanted = snapshot.versions.get(ModelId(model, version))
    if wanted is None:
        raise UnknownVersionError(f"Cannot set non-existent version '{version}' for model with name '{model}'")
    check_type_fits_links(snapshot, wanted)
    current = snapshot.current(model)
    if current is not None and current.id == wanted.id:
        return ()
    return (Put(_switched(snapshot, wanted.id, at)),)


def previous_version(snapshot: RegistrySnapshot, model: ModelName) -> Version:
    """The version a rollback leads to: the last one to answer before the present one, and still registered."""
    if not snapshot.versions_of(model):
        raise UnknownModelError(f"No model with name '{model}' exists.")
    current = snapshot.currents.get(model)
    for switch in reversed(current.history[:-1] if current else ()):
        if current and switch.version != current.version and ModelId(model, switch.version) in snapshot.versions:
            return switch.version
    raise UnknownVersionError(f"Model '{model}' has no earlier version to roll back to")


def delete_version(snapshot: RegistrySnapshot, model: ModelId) -> tuple[Change, ...]:
    """Forget a version. Links stay, as in Clipper; when it was current, none is until one is set or deployed."""
    version = snapshot.versions.get(model)
    if version is None:
        raise UnknownVersionError(f"model with name '{model.name}' and version '{model.version}' does not exist")
    current = snapshot.currents.get(model.name)
    if current is not None and current.version == model.version:
        return (Delete(version), Delete(current))
    if current is not None and current.canary is not None and current.canary.version == model.version:
        return (Delete(version), Put(replace(current, canary=None)))
    return (Delete(version),)


def scale_version(snapshot: RegistrySnapshot, model: ModelId, scaling: Scaling) -> tuple[Change, ...]:
    version = snapshot.versions.get(model)
    if version is None:
        raise UnknownVersionError(f"Cannot add container for non-registered model {model}")
    if version.is_containerless:
        raise ContainerlessModelError(f"Cannot resize the replica set for containerless model {model}")
    return (Put(replace(version, scaling=scaling)),)


def _switched(snapshot: RegistrySnapshot, model: ModelId, at: float) -> Current:
    return snapshot.currents.get(model.name, Current(model.name, ())).switched(model.version, at)


def check_type_fits_links(snapshot: RegistrySnapshot, wanted: ModelVersion) -> None:
    """Raise IncompatibleInputTypeError where an application of another input type is linked to the model."""
    for application in snapshot.applications_of(wanted.id.name):
        if application.input_type is not wanted.input_type:
            raise IncompatibleInputTypeError(
                f"Model with name '{wanted.id.name}' is already linked to app '{application.name}' using input type "
                f"'{application.input_type}'. The input type you provided for a new version of the model, "
                f"'{wanted.input_type}', is not compatible."
            )
