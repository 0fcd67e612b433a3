"""The options of `dev` that are about AWS on this machine."""

from pathlib import Path
from typing import Annotated

import typer

PANEL = "AWS on this machine (docs/architecture/13-aws-on-this-machine.md)"

Aws = Annotated[
    bool, typer.Option("--aws", help="MiniStack with the stack deployed into it; no account.", rich_help_panel=PANEL)
]
Stack = Annotated[
    str | None, typer.Option(help="Name of the stack.", show_default="clipper-sls", rich_help_panel=PANEL)
]
AwsPort = Annotated[
    int | None,
    typer.Option(help="Port of AWS_ENDPOINT_URL; 0 picks a free one.", show_default="4566", rich_help_panel=PANEL),
]
Template = Annotated[
    Path | None,
    typer.Option(help="The stack's template.", show_default="template.yaml here", rich_help_panel=PANEL),
]
Parameter = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="A parameter of the template; may come again.", rich_help_panel=PANEL),
]
