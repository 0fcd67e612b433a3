"""`score`: ask an application about every row of a file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from clipper_sls.cli import options
from clipper_sls.cli.output import Output
from clipper_sls.cli.session import connected
from clipper_sls.errors import PredictionFailedError

if TYPE_CHECKING:
    from clipper_sls.sdk.bulk_methods import Scored
    from clipper_sls.service.bulk_scoring import Progress

FORMAT = "csv, tsv, jsonl or parquet; without it the name's suffix says so."
PLACE = "FILE|s3://BUCKET/KEY"

commands = typer.Typer()


@commands.command()
def score(
    app: options.AppName,
    input_name: Annotated[str, typer.Option("--input", metavar=PLACE, help="The rows; may be larger than memory.")],
    output_name: Annotated[str, typer.Option("--output", metavar=PLACE, help="Appears when it is whole.")],
    columns: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="Columns of the input; all without it, but those kept.")
    ] = None,
    keep: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="Columns that go into the output as they are.")
    ] = None,
    version: Annotated[
        str | None, typer.Option("--version", "-v", help="Ask this version; without it the one that is current now.")
    ] = None,
    input_format: Annotated[str | None, typer.Option("--input-format", help=FORMAT)] = None,
    output_format: Annotated[str | None, typer.Option("--format", help=FORMAT)] = None,
    chunk_rows: Annotated[int, typer.Option(help="Rows that are asked, and written, together.")] = 1_000,
    concurrency: Annotated[int, typer.Option(help="Chunks that are asked at one time.")] = 4,
    as_jobs: Annotated[
        bool, typer.Option("--async", help="Let each batch be a job: answered however long that takes.")
    ] = False,
    resume: Annotated[bool, typer.Option(help="Go on where an interrupted run of the same has stopped.")] = True,
    force: Annotated[bool, typer.Option(help="Replace an output that is there.")] = False,
    strict: Annotated[bool, typer.Option(help="End with exit code 1 unless every row has the model's answer.")] = False,
    cluster: options.Cluster = None,
    state_dir: options.StateDir = None,
    as_json: options.Json = False,
) -> None:
    """Score a file: one row out for each row in, in order. Interrupted and run again, it goes on where it was."""
    out = Output(as_json)
    with _progress() as observed:
        scored = connected(cluster, state_dir).score(
            app,
            input_name,
            output_name,
            observed=observed,
            columns=_names(columns),
            keep=_names(keep),
            version=version,
            input_format=input_format,
            output_format=output_format,
            chunk_rows=chunk_rows,
            concurrency=concurrency,
            as_jobs=as_jobs,
            resume=resume,
            force=force,
        )
    out.done(_sentence(scored), asdict(scored))
    if strict and scored.defaults + scored.failures:
        raise PredictionFailedError(
            f"{scored.defaults + scored.failures} of {scored.rows} rows have no answer of the model; "
            f"the column `error` of {scored.output} says why"
        )


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip()) if text else ()


def _sentence(scored: "Scored") -> str:
    before = f" ({scored.resumed_rows} of them by a run before this one)" if scored.resumed_rows else ""
    version = f" by version {scored.version}" if scored.version else ""
    return (
        f"Scored {scored.rows} rows{before}{version} into {scored.output}: "
        f"{scored.defaults} default outputs, {scored.failures} rows that are no inputs"
    )


@contextmanager
def _progress() -> Iterator[Callable[["Progress"], None]]:
    """A bar on standard error, where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    shape = (
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TextColumn("{task.fields[rate]:,.0f} rows/s"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Bar(*shape, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=1.0, rows=0, rate=0.0)

        def observed(progress: "Progress") -> None:
            elapsed_s = bar.tasks[0].elapsed
            new_rows = progress.counts.rows - progress.resumed_rows
            rate = new_rows / elapsed_s if elapsed_s else 0.0
            bar.update(task, completed=progress.share, rows=progress.counts.rows, rate=rate)

        yield observed
