"""`models`, `deploy`, `undeploy`, `versions`, `switch`, `rollback`: models and their versions."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from clipper_sls.cli import options
from clipper_sls.cli.links import link_unless_linked
from clipper_sls.cli.output import Output, when
from clipper_sls.cli.session import connected
from clipper_sls.errors import UnknownModelError, VersionExistsError

if TYPE_CHECKING:
    from clipper_sls.sdk import ClipperConnection

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
def deploy(
    function: Annotated[str, typer.Argument(help="MODULE:FUNCTION, found from the working directory.")],
    name: Annotated[str, typer.Option(help="Name of the model.")],
    version: Annotated[str, typer.Option("--version", "-v", help="Name of the version.")],
    input_type: options.InputType,
    app: Annotated[str | None, typer.Option(help="Link the model to this application, too.")] = None,
    package: Annotated[list[str] | None, typer.Option("--package", "-p", help="As for pip; may come again.")] = None,
    label: Annotated[list[str] | None, typer.Option("--label", "-l", help="For your own use; may come again.")] = None,
    batch_size: Annotated[int, typer.Option(help="Most inputs in one call of the function; -1 adapts it.")] = -1,
    num_replicas: options.NumReplicas = None,
    min_replicas: options.MinReplicas = None,
    max_replicas: options.MaxReplicas = None,
    cluster: options.Cluster = None,
    state_dir: options.StateDir = None,
    as_json: options.Json = False,
) -> None:
    """Put a Python function into production as a version of a model, and make it current."""
    from clipper_sls.cli.function_source import load_function
    from clipper_sls.deployers.python import deploy_python_closure

    out, connection = Output(as_json), connected(cluster, state_dir)
    loaded = load_function(function)
    is_new = True
    with out.progress(f"Deploying {name}:{version} ..."):
        try:
            deploy_python_closure(
                connection,
                name,
                version,
                input_type,
                loaded,
                labels=label,
                batch_size=batch_size,
                pkgs_to_install=package,
                num_replicas=1 if num_replicas is None else num_replicas,
                min_replicas=min_replicas,
                max_replicas=max_replicas,
            )
        except VersionExistsError:
            is_new = False
    if app is not None:
        is_new = link_unless_linked(connection, app, name) or is_new
    _done(out, connection, name, version, is_new)


def _done(out: Output, connection: "ClipperConnection", name: str, version: str, is_new: bool) -> None:
    found = connection.cm.management.get_model(name, version)
    note = (
        f"Deployed {name}:{version}" if is_new else f"{name}:{version} is deployed with this content; nothing to change"
    )
    if not found["is_current_version"]:
        note += f". Another version is current; make it this one with `clipper-sls switch {name} {version}`"
    out.done(note, {**found, "changed": is_new})


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
    return out.table(("version", "current", "registered", "labels", "bundle", "last made current"), rows)


def _cells(version: dict[str, Any]) -> tuple[Any, ...]:
    mark = "*" if version["is_current_version"] else ""
    digest = (version["bundle_digest"] or "")[:12]
    return (version["model_version"], mark, when(version["registered_at"]), version["labels"], digest)


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
