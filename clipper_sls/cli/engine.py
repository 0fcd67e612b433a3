"""`dev`, `start`, `stop`, `status`: the engine itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clipper_sls.cli import aws_options, options
from clipper_sls.cli.output import Output, when
from clipper_sls.cli.session import connected, container_manager

if TYPE_CHECKING:
    from clipper_sls.sdk.management_client import ManagementClient

commands = typer.Typer()


@commands.command()
def dev(
    query_port: options.QueryPort = None,
    management_port: options.ManagementPort = None,
    state_dir: options.StateDir = None,
    host: Annotated[
        str | None,
        typer.Option(help="Address to listen on; any but this machine needs a token.", show_default="127.0.0.1"),
    ] = None,
    cluster: options.Cluster = None,
    frontends: Annotated[
        int | None, typer.Option(help="Processes that answer queries, where cores are to spare.", show_default="1")
    ] = None,
    cache_size_bytes: options.CacheSize = None,
    cache_url: Annotated[
        str | None,
        typer.Option(
            help="A second cache, redis://, unix:// or dynamodb://. With a password rather in CLIPPER_SLS_CACHE_URL."
        ),
    ] = None,
    isolation: options.Isolation = None,
    allow_unsigned: Annotated[
        bool, typer.Option("--allow-unsigned", help="Run bundles that are not signed, or by anybody.")
    ] = False,
    ready_file: Annotated[Path | None, typer.Option(help="JSON with both URLs is written here when ready.")] = None,
    move_ports: Annotated[bool, typer.Option("--move-ports", help="Take a free port where one is taken.")] = False,
    aws: aws_options.Aws = False,
    stack: aws_options.Stack = None,
    aws_port: aws_options.AwsPort = None,
    template: aws_options.Template = None,
    parameter: aws_options.Parameter = None,
    as_json: options.Json = False,
) -> None:
    """Run the engine, or with --aws the stack of AWS on this machine, in the foreground until Ctrl-C."""
    from clipper_sls.cli.running import run_engine
    from clipper_sls.config.settings import Settings

    settings = Settings.load(
        query_port=query_port,
        management_port=management_port,
        state_dir=state_dir,
        host=host,
        cluster_name=cluster,
        frontends=frontends,
        cache_size_bytes=cache_size_bytes,
        cache_url=cache_url,
        isolation=isolation,
        allow_unsigned=allow_unsigned or None,
        stack_name=stack,
        aws_port=aws_port,
    )
    if aws:
        from clipper_sls.cli.running_aws import AwsRun, run_aws

        raise typer.Exit(run_aws(settings, AwsRun(template, parameter or [], move_ports, ready_file, as_json)))
    raise typer.Exit(run_engine(settings, move_ports=move_ports, ready_file=ready_file, as_json=as_json))


@commands.command()
def start(
    query_port: options.QueryPort = None,
    management_port: options.ManagementPort = None,
    cluster: options.Cluster = None,
    state_dir: options.StateDir = None,
    cache_size_bytes: options.CacheSize = None,
    isolation: options.Isolation = None,
    as_json: options.Json = False,
) -> None:
    """Start the engine in the background. Ports that are taken move to free ones."""
    from clipper_sls.sdk import DEFAULT_PREDICTION_CACHE_SIZE_BYTES

    out = Output(as_json)
    manager = container_manager(
        cluster, state_dir, query_port=query_port, management_port=management_port, isolation=isolation
    )
    if manager.is_running():
        out.note(f"Cluster {manager.cluster_name} is running already; nothing to change")
        manager.connect()
    else:
        size_bytes = DEFAULT_PREDICTION_CACHE_SIZE_BYTES if cache_size_bytes is None else cache_size_bytes
        with out.progress("Starting the engine ..."):
            manager.start_clipper(cache_size=size_bytes)
    _show(out, manager.management)


@commands.command()
def stop(
    cluster: options.Cluster = None,
    state_dir: options.StateDir = None,
    kill: Annotated[bool, typer.Option("--kill", help="Do not wait for queries that are being answered.")] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Delete what was registered, too.")] = False,
    as_json: options.Json = False,
) -> None:
    """End the engine. What was registered is kept for the next start."""
    out = Output(as_json)
    manager = container_manager(cluster, state_dir, keep_state=not forget)
    with out.progress("Draining ..."):
        was_running = manager.is_running()
        manager.stop_all(graceful=not kill)
    name = manager.cluster_name
    note = f"Stopped cluster {name}" if was_running else f"Cluster {name} was not running"
    out.done(note, {"cluster_name": name, "changed": was_running})


@commands.command()
def status(cluster: options.Cluster = None, state_dir: options.StateDir = None, as_json: options.Json = False) -> None:
    """Show where the engine is and how it does."""
    _show(Output(as_json), connected(cluster, state_dir).cm.management)


def _show(out: Output, management: "ManagementClient") -> None:
    engine, pools = management.get_status(), management.get_replicas()
    if out.as_json:
        return out.document({**engine, "pools": pools})
    shown = {**engine, "started_at": when(engine["started_at"])}
    if "frontends" in engine:
        shown["frontends"] = ", ".join(f"{one['state']} (pid {one['pid']})" for one in engine["frontends"])
    out.fields(shown)
    if pools:
        out.lines([""])
        out.table(("model", "version", "health", "ready", "queued"), map(_row, pools), right=("ready", "queued"))
    return None


def _row(pool: dict[str, Any]) -> list[Any]:
    return [pool[key] for key in ("model_name", "model_version", "health", "ready_replicas", "queued_rows")]
