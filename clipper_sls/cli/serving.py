"""The options of `deploy` that say how a version is served."""

from typing import Annotated

import typer

from clipper_sls.domain.serving import Batching
from clipper_sls.domain.serving_options import ServingOptions

PANEL = "How it is served (docs/serving-options.md)"

BatchingChoice = Annotated[
    Batching | None,
    typer.Option(help="What adapts the size of batches.", show_default="aimd", rich_help_panel=PANEL),
]
BatchWaitMs = Annotated[
    float, typer.Option(help="Longest wait of an idle replica for a batch to fill.", rich_help_panel=PANEL)
]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Ask the model about every input, each time.", rich_help_panel=PANEL)
]
CacheTtl = Annotated[
    float | None,
    typer.Option(help="Seconds until an output is too old.", show_default="for ever", rich_help_panel=PANEL),
]
NotIdempotent = Annotated[
    bool, typer.Option("--not-idempotent", help="Asking twice does harm: never try again.", rich_help_panel=PANEL)
]
Hedging = Annotated[
    bool | None,
    typer.Option(
        "--hedging/--no-hedging",
        help="Ask a second replica when the first takes unusually long.",
        show_default="if idempotent",
        rich_help_panel=PANEL,
    ),
]
WarmUpInputs = Annotated[
    list[str] | None,
    typer.Option(
        "--warm-up-input",
        metavar="INPUT",
        help="Asked of every replica before it is ready; as for predict; may come again.",
        rich_help_panel=PANEL,
    ),
]


def options_from(
    batching: Batching | None,
    batch_wait_ms: float,
    no_cache: bool,
    cache_ttl: float | None,
    not_idempotent: bool,
    hedging: bool | None,
) -> ServingOptions:
    return ServingOptions(
        batching=None if batching is None else batching.value,
        batch_wait_ms=batch_wait_ms,
        cache=not no_cache,
        cache_ttl_s=cache_ttl,
        idempotent=not not_idempotent,
        hedging=hedging,
    )
