"""`models`, `register-model`, `undeploy`, `versions`, `switch`, `rollback`: models and their versions."""

from typing import Annotated, Any

import typer

from clipper_sls.cli import options, serving
from clipper_sls.cli.links import link_unless_linked, require_linkable
from clipper_sls.cli.output import Output, when
from clipper_sls.cli.session import connected
from clipper_sls.domain.records import ADAPTIVE_BATCH_SIZE
from clipper_sls.domain.serving import Serving
from clipper_sls.domain.serving_options import options_of
from clipper_sls.errors import UnknownModelError, VersionExistsError

commands = typer.Typer()

Version = Annotated[str, typer.Argument(help="The version.")]


@commands.command()
def models(cluster: options.Cluster = None, state_dir: options.StateDir = None, as_json: options.Json = False) -> None:
    """List models: the current version of each."""
    found = connected(cluster, state_dir).cm.management.get_all_models(verbose=True)
    names = {one["model_name"]: 0 for one in found}
    for one in found:
        names[one["model_name"]] += 1
    current = {one["model_name"]: one for one in found if one["is_current_version"]}
    out = Output(as_json)
    if as_json:
        return out.document(
            [{"model_name": name, "current": current.get(name), "versions": names[name]} for name in names]
        )
    rows = ([name, *_summary(current.get(name)), count] for name, count in names.items())
    return out.table(("model", "current", "input type", "since", "versions"), rows, right=("versions",))


def _summary(version: dict[str, Any] | None) -> tuple[Any, ...]:
    if version is None:
        return (None, None, None)
    return (version["model_version"], version["input_type"], when(version["registered_at"]))


@commands.command()
def register_model(
    name: options.ModelName,
    version: Annotated[str, typer.Option("--version", "-v", help="Name of the version.")],
    input_type: options.InputType,
    url: Annotated[str, typer.Option(help="http://HOST:PORT of the server of a model's image, or Lambda's emulator.")],
    app: Annotated[str | None, typer.Option(help="Link the model to this application, too.")] = None,
    label: Annotated[list[str] | None, typer.Option("--label", "-l", help="For your own use; may come again.")] = None,
    no_cache: serving.NoCache = False,
    cache_ttl: serving.CacheTtl = None,
    not_idempotent: serving.NotIdempotent = False,
    cluster: options.Cluster = None,
    state_dir: options.StateDir = None,
    as_json: options.Json = False,
) -> None:
    """Register a version that runs elsewhere, and make it current: queries are answered at its URL."""
    out, connection = Output(as_json), connected(cluster, state_dir)
    chosen = serving.options_from(None, 0.0, no_cache, cache_ttl, not_idempotent, None)
    if app is not None:
        require_linkable(connection, app, name, input_type)
    is_new = True
    try:
        connection.register_model(name, version, input_type, labels=label, url=url, **chosen)
    except VersionExistsError:
        is_new = False
    if app is not None:
        is_new = link_unless_linked(connection, app, name) or is_new
    note = f"{name}:{version} is registered{'' if is_new else ' already; nothing to change'}"
    out.done(note, {**connection.cm.management.get_model(name, version), "changed": is_new})


@commands.command()
def undeploy(
    name: options.ModelName,
    version: Version,
    cluster: options.Cluster = None,
    state_dir: options.StateDir = None,
    as_json: options.Json = False,
) -> None:
    """Stop a version's replicas and forget it."""
    out = Output(as_json)
    with out.progress(f"Stopping {name}:{version} ..."):
        connected(cluster, state_dir).cm.management.delete_versioned_model(name, version)
    out.done(f"{name}:{version} is gone", {"model_name": name, "model_version": version, "changed": True})


@commands.command()
def versions(
    name: options.ModelName,
    cluster: options.Cluster = None,
    state_dir: options.StateDir = None,
    as_json: options.Json = False,
) -> None:
    """List the versions of a model."""
    out, management = Output(as_json), connected(cluster, state_dir).cm.management
    found = [one for one in management.get_all_models(verbose=True) if one["model_name"] == name]
    if not found:
        raise UnknownModelError(f"No model with name '{name}' exists. See `clipper-sls models`")
    switched_at = {switch["version"]: switch["at"] for switch in management.get_history(name)}
    if out.as_json:
        return out.document([{**one, "current_since": switched_at.get(one["model_version"])} for one in found])
    rows = ([*_cells(one), when(switched_at.get(one["model_version"]))] for one in found)
    return out.table(
        ("version", "current", "registered", "labels", "options", "bundle or url", "last made current"), rows
    )


def _cells(version: dict[str, Any]) -> tuple[Any, ...]:
    mark = "*" if version["is_current_version"] else ""
    digest = (version["bundle_digest"] or "")[:12] or version.get("url") or ""
    return (
        version["model_version"],
        mark,
        when(version["registered_at"]),
        version["labels"],
        _options(version),
        digest,
    )


def _options(version: dict[str, Any]) -> list[str]:
    """Those that are not as by default."""
    usual = {"batch_size": ADAPTIVE_BATCH_SIZE, **options_of(Serving(), version["batch_size"])}
    return [f"{name}={version[name]}" for name, value in usual.items() if version.get(name, value) != value]


@commands.command()
def switch(
    name: options.ModelName,
    version: Version,
    cluster: options.Cluster = None,
    state_dir: options.StateDir = None,
    as_json: options.Json = False,
) -> None:
    """Make a version current, forward or back."""
    connected(cluster, state_dir).cm.management.set_model_version(name, version)
    Output(as_json).done(
        f"{name} is at version {version}", {"model_name": name, "to_version": version, "changed": True}
    )


@commands.command()
def rollback(
    name: options.ModelName,
    cluster: options.Cluster = None,
    state_dir: options.StateDir = None,
    as_json: options.Json = False,
) -> None:
    """Make the version current that was so before."""
    done = connected(cluster, state_dir).cm.management.rollback_model(name)
    note = f"{name} went from version {done['from_version']} back to {done['to_version']}"
    Output(as_json).done(note, {**done, "changed": True})
