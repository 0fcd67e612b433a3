"""The command `clipper-sls`. Each module of this folder that has `commands` holds a few of them."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from clipper_sls import __version__
from clipper_sls.cli import applications, deploy, engine, images, jobs, keys, models, predict, replicas, score, traffic
from clipper_sls.cli.failures import report
from clipper_sls.cli.session import let_all_take_stack

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help="Put trained models into production: versioned, rolled back in a second, within a latency objective.",
)
for title, module in (
    ("Engine", engine),
    ("Applications", applications),
    ("Models", deploy),
    ("Models", models),
    ("Models", traffic),
    ("Replicas", replicas),
    ("Queries", predict),
    ("Queries", score),
):
    for command in module.commands.registered_commands:
        command.rich_help_panel = title
    app.add_typer(module.commands)
app.add_typer(images.group, name="image", rich_help_panel="Images")
app.add_typer(jobs.group, name="jobs", rich_help_panel="Queries")
app.add_typer(keys.group, name="keys", rich_help_panel="Engine")
let_all_take_stack(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"clipper-sls {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Options before the command."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script: runs one command and ends the process with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(given, prog_name="clipper-sls")
    except Exception as error:
        sys.exit(report(error, as_json="--json" in given))
