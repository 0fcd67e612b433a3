"""Options that several commands share. One that is left out comes from the environment or `clipper.toml`."""

from pathlib import Path
from typing import Annotated

import typer

COMMON = "Options of most commands"

Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster-name",
        "--cluster",
        help="Name of the cluster.",
        show_default="default-cluster",
        rich_help_panel=COMMON,
    ),
]
StateDir = Annotated[
    Path | None,
    typer.Option(help="Folder of the engine's state.", show_default="one for each cluster", rich_help_panel=COMMON),
]
Stack = Annotated[
    str | None, typer.Option(help="Name of a stack on AWS, instead of a cluster.", rich_help_panel=COMMON)
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document instead of text for people.", rich_help_panel=COMMON)
]

AppName = Annotated[str, typer.Argument(help="Name of the application.")]
ModelName = Annotated[str, typer.Argument(help="Name of the model.")]
AnyModelName = Annotated[str | None, typer.Argument(help="Name of the model; all models without it.")]
InputType = Annotated[
    str, typer.Option("--input-type", "-i", help="integers, floats, doubles, bytes, strings or json.")
]
NumReplicas = Annotated[int | None, typer.Option("--num-replicas", "-n", help="As many replicas, always.")]
MinReplicas = Annotated[int | None, typer.Option(help="At least so many; 0 lets the version sleep while nobody asks.")]
MaxReplicas = Annotated[int | None, typer.Option(help="At most so many, by need.")]
QueryPort = Annotated[
    int | None, typer.Option(help="Port of the predict URLs; 0 picks a free one.", show_default="1337")
]
ManagementPort = Annotated[
    int | None, typer.Option(help="Port of everything else; 0 picks a free one.", show_default="1338")
]
Isolation = Annotated[
    str | None,
    typer.Option(
        metavar="[process|container]",
        help="What replicas are; containers need a Docker engine.",
        show_default="process",
    ),
]
CacheSize = Annotated[
    int | None, typer.Option(help="Size of the prediction cache; 0 switches it off.", show_default="32 MiB")
]
Input = Annotated[
    str, typer.Argument(metavar="INPUT", help="JSON, or a bare string; @FILE reads a file, - standard input.")
]
Batch = Annotated[bool, typer.Option("--batch", "-b", help="INPUT is a JSON list of inputs.")]
AskedVersion = Annotated[str | None, typer.Option("--version", "-v", help="Ask this version.")]
