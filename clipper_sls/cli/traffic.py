"""`traffic`: which versions answer, and how much."""

from typing import Annotated

import typer

from clipper_sls.cli import options
from clipper_sls.cli.output import Output
from clipper_sls.cli.session import connected
from clipper_sls.errors import InvalidSettingError

commands = typer.Typer()


@commands.command()
def traffic(
    name: options.ModelName,
    share: Annotated[
        str | None,
        typer.Argument(metavar="[VERSION=PERCENT]", help="Try this version on so much of the queries; 0 ends it."),
    ] = None,
    cluster: options.Cluster = None,
    state_dir: options.StateDir = None,
    as_json: options.Json = False,
) -> None:
    """Show which versions answer a model's queries; with VERSION=PERCENT try one beside the current one first."""
    asked = None if share is None else _share(share)
    out, management = Output(as_json), connected(cluster, state_dir).cm.management
    found = management.get_traffic(name) if asked is None else management.set_traffic(name, *asked)
    if out.as_json:
        return out.document(found)
    rows = ([one["model_version"], f"{one['percent']:g}"] for one in found["traffic"])
    return out.table(("version", "percent"), rows, right=("percent",))


def _share(text: str) -> tuple[str, float]:
    version, equals, percent = text.rpartition("=")
    try:
        if not equals or not version:
            raise ValueError
        return version, float(percent.removesuffix("%"))
    except ValueError:
        raise InvalidSettingError(f"'{text}' is not VERSION=PERCENT, such as 2=10") from None
