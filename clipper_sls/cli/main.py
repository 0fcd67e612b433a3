"""The command `clipper-sls`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(no_args_is_help=True)


@app.callback()
def root() -> None: ...


@app.command()
def dev(
    query_port: int | None = None,
    management_port: int | None = None,
    state_dir: Path | None = None,
    host: str | None = None,
    cluster_name: str | None = None,
    cache_size_bytes: int | None = None,
    ready_file: Path | None = None,
    move_ports: Annotated[bool, typer.Option("--move-ports")] = False,
) -> None:
    from clipper_sls.cli.dev import run_engine
    from clipper_sls.config import Settings

    settings = Settings.load(
        query_port=query_port,
        management_port=management_port,
        state_dir=state_dir,
        host=host,
        cluster_name=cluster_name,
        cache_size_bytes=cache_size_bytes,
    )
    raise typer.Exit(run_engine(settings, move_ports=move_ports, ready_file=ready_file, console=Console(stderr=True)))


def main() -> None:
    app()
