"""`apps`, `register`, `unregister`, `link`, `unlink`: applications and their links to models."""

from typing import Annotated, Any

import typer

from clipper_sls.cli import options
from clipper_sls.cli.links import link_unless_linked
from clipper_sls.cli.output import Output
from clipper_sls.cli.session import connected
from clipper_sls.errors import ApplicationExistsError, ClipperError, UnknownApplicationError

commands = typer.Typer()

DEFAULT_SLO_MS = 100.0
DIRECT = "direct"
MICROS_PER_MS = 1000


@commands.command()
def apps(
    name: Annotated[str | None, typer.Argument(help="Name of the application; all of them without it.")] = None,
    cluster: options.Cluster = None,
    state_dir: options.StateDir = None,
    as_json: options.Json = False,
) -> None:
    """List applications."""
    out, management = Output(as_json), connected(cluster, state_dir).cm.management
    found = management.get_all_applications(verbose=True)
    if name is not None:
        found = [one for one in found if one["name"] == name]
        if not found:
            raise UnknownApplicationError(f"No application with name '{name}' exists. See `clipper-sls apps`")
    if out.as_json:
        return out.document(found if name is None else found[0])
    columns = ("application", "input type", "objective ms", "default output", "model")
    if any("mode" in one for one in found):
        return out.table((*columns, "mode"), (_row(one, _mode(one)) for one in found), right=("objective ms",))
    return out.table(columns, map(_row, found), right=("objective ms",))


def _mode(application: dict[str, Any]) -> str:
    return str(application.get("mode", DIRECT))


def _row(application: dict[str, Any], *more: str) -> list[Any]:
    slo_ms = application["latency_slo_micros"] / MICROS_PER_MS
    cells = (application["name"], application["input_type"], f"{slo_ms:g}", application["default_output"])
    return [*cells, application["linked_models"], *more]


@commands.command()
def register(
    name: options.AppName,
    input_type: options.InputType,
    default_output: Annotated[str, typer.Option("--default-output", "-d", help="The answer when no model answers.")],
    slo_ms: Annotated[float, typer.Option(help="Latency objective: an answer comes by then.")] = DEFAULT_SLO_MS,
    mode: Annotated[
        str, typer.Option(metavar="[direct|queue]", help="queue: its queries wait in the queue of jobs.")
    ] = DIRECT,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Link this model, too.")] = None,
    cluster: options.Cluster = None,
    state_dir: options.StateDir = None,
    as_json: options.Json = False,
) -> None:
    """Register an application: it opens the URL /NAME/predict."""
    connection = connected(cluster, state_dir)
    management = connection.cm.management
    slo_micros = round(slo_ms * MICROS_PER_MS)
    is_new = True
    try:
        management.add_app(name, input_type, default_output, slo_micros, mode)
    except ApplicationExistsError:
        wanted = {"input_type": input_type, "default_output": default_output, "latency_slo_micros": slo_micros}
        found = {"mode": DIRECT, **management.get_application(name)}
        if not {**wanted, "mode": mode}.items() <= found.items():
            raise
        is_new = False
    if model is not None:
        try:
            is_new = link_unless_linked(connection, name, model) or is_new
        except ClipperError:
            if is_new:  # an application without its model is not what was asked for
                management.delete_app(name)
            raise
    url = f"{connection.cm.queries.http.base_url}/{name}/predict"
    note = f"Application {name} answers at {url}" + ("" if is_new else "; nothing to change")
    Output(as_json).done(note, {"name": name, "url": url, "changed": is_new})


@commands.command()
def unregister(
    name: options.AppName,
    cluster: options.Cluster = None,
    state_dir: options.StateDir = None,
    as_json: options.Json = False,
) -> None:
    """Close an application's URL."""
    connected(cluster, state_dir).cm.management.delete_app(name)
    Output(as_json).done(f"Application {name} is gone", {"name": name, "changed": True})


@commands.command()
def link(
    app: options.AppName,
    model: options.ModelName,
    cluster: options.Cluster = None,
    state_dir: options.StateDir = None,
    as_json: options.Json = False,
) -> None:
    """Let a model answer an application's queries."""
    is_new = link_unless_linked(connected(cluster, state_dir), app, model)
    note = f"Model {model} answers application {app}" + ("" if is_new else "; nothing to change")
    Output(as_json).done(note, {"app_name": app, "model_name": model, "changed": is_new})


@commands.command()
def unlink(
    app: options.AppName,
    model: options.ModelName,
    cluster: options.Cluster = None,
    state_dir: options.StateDir = None,
    as_json: options.Json = False,
) -> None:
    """Let an application give its default output from now on."""
    connected(cluster, state_dir).cm.management.delete_model_links(app, [model])
    note = f"Model {model} no longer answers application {app}"
    Output(as_json).done(note, {"app_name": app, "model_name": model, "changed": True})
