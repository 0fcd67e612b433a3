"""`jobs`: queries that are answered later, and the letters of those that never were."""

from typing import Annotated, Any

import typer

from clipper_sls.cli import options
from clipper_sls.cli.output import Output, when
from clipper_sls.cli.predict import query, show
from clipper_sls.cli.session import connected

group = typer.Typer(no_args_is_help=True, help="Ask for predictions that are made later, and see to those that failed.")
dead = typer.Typer(no_args_is_help=True, help="Messages of jobs that were given up.")
group.add_typer(dead, name="dead")

HOUR_S = 3_600.0
JobId = Annotated[str, typer.Argument(metavar="JOB-ID", help="What `jobs submit` printed.")]


@group.command()
def submit(
    app: options.AppName,
    value: options.Input,
    batch: options.Batch = False,
    version: options.AskedVersion = None,
    cluster: options.Cluster = None,
    state_dir: options.StateDir = None,
    as_json: options.Json = False,
) -> None:
    """Make a query a job. Prints its id at once."""
    job = connected(cluster, state_dir).cm.queries.submit(app, query(value, batch, version))
    out = Output(as_json)
    return out.document(job) if as_json else out.lines([job["job_id"]])


@group.command()
def status(
    job_id: JobId,
    cluster: options.Cluster = None,
    state_dir: options.StateDir = None,
    as_json: options.Json = False,
) -> None:
    """Show what became of a job, so far."""
    job = connected(cluster, state_dir).cm.queries.job(job_id)
    out = Output(as_json)
    return out.document(job) if as_json else out.fields(_fields(job))


@group.command()
def wait(
    job_id: JobId,
    timeout: Annotated[float, typer.Option(help="Seconds; then the command ends with exit code 7.")] = HOUR_S,
    cluster: options.Cluster = None,
    state_dir: options.StateDir = None,
    as_json: options.Json = False,
) -> None:
    """Wait for a job, and print its output as `predict` does. Ends with 7 when it expired, with 1 when it failed."""
    out = Output(as_json)
    with out.progress(f"Waiting for job {job_id}"):
        job = connected(cluster, state_dir).cm.queries.job_done(job_id, timeout)
    show(out, job)


@dead.command("list")
def list_dead(
    limit: Annotated[int, typer.Option(help="At most so many.")] = 100,
    cluster: options.Cluster = None,
    state_dir: options.StateDir = None,
    as_json: options.Json = False,
) -> None:
    """List messages that were given up, and why."""
    out, letters = Output(as_json), connected(cluster, state_dir).get_dead_jobs(limit)
    if as_json:
        return out.document(letters)
    columns = ("job", "application", "died", "bytes", "reason")
    rows = [
        (letter["job_id"], letter["application"], when(letter["died_at"]), letter["bytes"], letter["reason"])
        for letter in letters
    ]
    return out.table(columns, rows, right=("bytes",))


@dead.command()
def redrive(cluster: options.Cluster = None, state_dir: options.StateDir = None, as_json: options.Json = False) -> None:
    """Try all of them again."""
    count = connected(cluster, state_dir).redrive_dead_jobs()
    Output(as_json).done(f"Dead letters that are tried again: {count}", {"redriven": count, "changed": count > 0})


@dead.command()
def purge(cluster: options.Cluster = None, state_dir: options.StateDir = None, as_json: options.Json = False) -> None:
    """Forget all of them. There is no way back."""
    count = connected(cluster, state_dir).purge_dead_jobs()
    Output(as_json).done(f"Dead letters that were forgotten: {count}", {"purged": count, "changed": count > 0})


def _fields(job: dict[str, Any]) -> dict[str, object]:
    fields: dict[str, object] = {
        "job": job["job_id"],
        "status": job["status"],
        "application": job["application"],
        "submitted": when(job["submitted_at"]),
        "expires": when(job["expires_at"]),
    }
    if job["status"] != "queued":
        fields["finished"] = when(job["finished_at"])
    if "cause" in job:
        fields["reason"] = job["cause"]
    return fields
