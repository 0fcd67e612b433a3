"""`deploy`: a function becomes a version of a model."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clipper_sls.cli import options, serving
from clipper_sls.cli.links import link_unless_linked, require_linkable
from clipper_sls.cli.output import Output
from clipper_sls.cli.predict import given
from clipper_sls.cli.session import connected
from clipper_sls.errors import InvalidSettingError, VersionExistsError

if TYPE_CHECKING:
    from clipper_sls.domain.deployment.steps import Step
    from clipper_sls.sdk import ClipperConnection

commands = typer.Typer()


@commands.command()
def deploy(
    name: Annotated[str, typer.Option(help="Name of the model.")],
    version: Annotated[str, typer.Option("--version", "-v", help="Name of the version.")],
    input_type: options.InputType,
    function: Annotated[
        str | None, typer.Argument(help="MODULE:FUNCTION, found from the working directory.", show_default=False)
    ] = None,
    mlflow: Annotated[Path | None, typer.Option(help="An MLflow model directory, instead of a function.")] = None,
    app: Annotated[str | None, typer.Option(help="Link the model to this application, too.")] = None,
    package: Annotated[list[str] | None, typer.Option("--package", "-p", help="As for pip; may come again.")] = None,
    label: Annotated[list[str] | None, typer.Option("--label", "-l", help="For your own use; may come again.")] = None,
    batch_size: Annotated[int, typer.Option(help="Most inputs in one call of the function; -1 adapts it.")] = -1,
    num_replicas: options.NumReplicas = None,
    min_replicas: options.MinReplicas = None,
    max_replicas: options.MaxReplicas = None,
    batching: serving.BatchingChoice = None,
    batch_wait_ms: serving.BatchWaitMs = 0.0,
    no_cache: serving.NoCache = False,
    cache_ttl: serving.CacheTtl = None,
    not_idempotent: serving.NotIdempotent = False,
    hedging: serving.Hedging = None,
    warm_up_input: serving.WarmUpInputs = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="On AWS: only print what would be done, step by step.")
    ] = False,
    cluster: options.Cluster = None,
    state_dir: options.StateDir = None,
    as_json: options.Json = False,
) -> None:
    """Put a Python function, or a model that MLflow saved, into production as a version of a model; make it current."""
    out, steps = Output(as_json), list["Step"]()
    connection = connected(cluster, state_dir, on_step=partial(_tell, out, steps, dry_run), dry_run=dry_run)
    deployer, model = _deployer(function, mlflow)
    chosen = serving.options_from(batching, batch_wait_ms, no_cache, cache_ttl, not_idempotent, hedging)
    if app is not None:
        require_linkable(connection, app, name, input_type)
    is_new = True
    with out.progress(f"Deploying {name}:{version} ..."):
        try:
            deployer(
                connection,
                name,
                version,
                input_type,
                model,
                labels=label,
                batch_size=batch_size,
                pkgs_to_install=package,
                num_replicas=1 if num_replicas is None else num_replicas,
                min_replicas=min_replicas,
                max_replicas=max_replicas,
                warm_up_inputs=[given(value) for value in warm_up_input or ()],
                **chosen,
            )
        except VersionExistsError:
            is_new = False
    if dry_run:
        return _show_plan(out, name, version, steps)
    if app is not None:
        is_new = link_unless_linked(connection, app, name) or is_new
    return _done(out, connection, name, version, is_new, steps)


def _tell(out: Output, steps: "list[Step]", is_data: bool, step: "Step") -> None:
    """Steps of a plan are data, those of a deployment are not."""
    steps.append(step)
    if not out.as_json:
        (out.line if is_data else out.note)(step.text)


def _show_plan(out: Output, name: str, version: str, steps: "list[Step]") -> None:
    if out.as_json:
        shown = [step.to_json() for step in steps]
        out.document({"model_name": name, "model_version": version, "steps": shown, "changed": False})
    elif not steps:
        out.note(f"{name}:{version} is deployed with this content; nothing to change")


def _deployer(function: str | None, mlflow: Path | None) -> tuple[Callable[..., None], object]:
    """Who deploys what was named, and what that takes. Raises InvalidSettingError unless it is one of the two."""
    if mlflow is not None and function is None:
        from clipper_sls.deployers.mlflow import deploy_mlflow_model

        return deploy_mlflow_model, mlflow
    if function is None or mlflow is not None:
        raise InvalidSettingError("Name a function, as MODULE:FUNCTION, or a model directory, with --mlflow DIR")
    from clipper_sls.cli.function_source import load_function
    from clipper_sls.deployers.python import deploy_python_closure

    return deploy_python_closure, load_function(function)


def _done(
    out: Output, connection: "ClipperConnection", name: str, version: str, is_new: bool, steps: "list[Step]"
) -> None:
    found = connection.cm.management.get_model(name, version)
    note = (
        f"Deployed {name}:{version}" if is_new else f"{name}:{version} is deployed with this content; nothing to change"
    )
    if not found["is_current_version"]:
        note += f". Another version is current; make it this one with `clipper-sls switch {name} {version}`"
    told = {"steps": [step.to_json() for step in steps]} if steps else {}
    out.done(note, {**found, "changed": is_new, **told})
