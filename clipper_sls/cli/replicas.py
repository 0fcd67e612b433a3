"""`replicas`, `logs`: what runs, and what it printed."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clipper_sls.cli import options
from clipper_sls.cli.following import FollowedLogs
from clipper_sls.cli.output import Output, when
from clipper_sls.cli.session import connected
from clipper_sls.errors import InvalidSettingError

if TYPE_CHECKING:
    from clipper_sls.sdk.management_client import ManagementClient

commands = typer.Typer()

FOLLOW_EVERY_S = 0.3
COLUMNS = (
    "model",
    "version",
    "health",
    "replica",
    "state",
    "pid",
    "answered",
    "started",
    "bounds or url",
    "last error",
)
VersionOption = Annotated[str | None, typer.Option("--version", "-v", help="The version; the current one without it.")]


@commands.command()
def replicas(
    name: options.AnyModelName = None,
    version: VersionOption = None,
    num_replicas: options.NumReplicas = None,
    min_replicas: options.MinReplicas = None,
    max_replicas: options.MaxReplicas = None,
    cluster: options.Cluster = None,
    state_dir: options.StateDir = None,
    as_json: options.Json = False,
) -> None:
    """List replicas; with a number, or bounds, change how many run first."""
    from clipper_sls.sdk.management_client import ReplicaBounds

    out, management = Output(as_json), connected(cluster, state_dir).cm.management
    bounds = ReplicaBounds(num_replicas, min_replicas, max_replicas)
    if bounds != ReplicaBounds():
        if name is None:
            raise InvalidSettingError("Say whose replicas: clipper-sls replicas MODEL --num-replicas N")
        with out.progress(f"Scaling {name} ..."):
            management.set_num_replicas(name, version, bounds)
    pools = management.get_replicas(name, version)
    if as_json:
        return out.document(pools)
    return out.table(COLUMNS, (row for pool in pools for row in _rows(pool)), right=("replica", "pid", "answered"))


def _rows(pool: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """One row for each replica; one without, where none runs."""
    head = (pool["model_name"], pool["model_version"], pool["health"])
    tail = (
        pool.get("url") or f"{pool['min_replicas']}..{pool['max_replicas']}",
        (pool["last_error"] or "").partition("\n")[0],
    )
    for one in pool["replicas"]:
        started = when(one["started_at"])
        yield (*head, one["replica_id"], one["state"], one["pid"], one["rows_answered"], started, *tail)
    if not pool["replicas"]:
        yield (*head, *[None] * 5, *tail)


@commands.command()
def logs(
    name: options.AnyModelName = None,
    version: Annotated[str | None, typer.Option("--version", "-v", help="The version; all of them without it.")] = None,
    replica: Annotated[int | None, typer.Option("--replica", "-r", help="One replica's number.")] = None,
    tail: Annotated[int, typer.Option("--tail", "-t", help="Last lines of each replica.")] = 200,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what they print, until Ctrl-C.")] = False,
    cluster: options.Cluster = None,
    state_dir: options.StateDir = None,
    as_json: options.Json = False,
) -> None:
    """Print what replicas printed, each line after the name of its replica."""
    out, management = Output(as_json), connected(cluster, state_dir).cm.management
    if name is not None:
        management.get_replicas(name, version)  # raises for a name that leads nowhere
    if as_json and follow:
        raise InvalidSettingError("--json prints one document, and --follow never ends. Leave one of them out")
    if follow:
        return _follow(out, partial(_log_files, management, name, version, replica), tail)
    found = management.get_logs(name, version, replica, tail_lines=tail)
    if as_json:
        return out.document(found)
    return out.lines(f"{_replica(log)} | {line}" for log in found for line in log["text"].splitlines())


def _replica(log: dict[str, Any]) -> str:
    return f"{log['model_name']}:{log['model_version']}/{log['replica_id']}"


def _log_files(
    management: "ManagementClient", name: str | None, version: str | None, replica: int | None
) -> Mapping[str, Path]:
    return {_replica(log): Path(log["path"]) for log in management.get_logs(name, version, replica, tail_lines=1)}


def _follow(out: Output, find: Callable[[], Mapping[str, Path]], tail: int) -> None:
    """Ends with KeyboardInterrupt."""
    files = find().values()
    if files and not any(path.exists() for path in files):
        raise InvalidSettingError(
            "The logs lie on the engine's machine, which is another one, and only there they can be followed. "
            "Leave out --follow to see their ends"
        )
    logs, pause = FollowedLogs(find), Event()
    lines = logs.last_lines(tail)
    while True:
        out.lines(f"{replica} | {line}" for replica, line in lines)
        pause.wait(FOLLOW_EVERY_S)
        lines = logs.new_lines()
