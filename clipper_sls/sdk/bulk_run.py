"""One run over a file, from start to end, on an event loop of its own."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from clipper_sls.bootstrap.bulk import BulkFiles, clock_for_bulk
from clipper_sls.domain.bulk.journal import Checkpoint
from clipper_sls.domain.bulk.output_lines import lines_for
from clipper_sls.domain.bulk.pace import Pace
from clipper_sls.sdk.bulk_client import Asked, predict_url
from clipper_sls.sdk.http_client import HttpClient
from clipper_sls.service.bulk_asking import RowAsker
from clipper_sls.service.bulk_scoring import BulkScoring, Progress, start_of


@dataclass(frozen=True, slots=True)
class Parallelism:
    chunk_rows: int
    concurrency: int


def scored_in_full(
    files: BulkFiles,
    http: HttpClient,
    asked: Asked,
    parallelism: Parallelism,
    start: Checkpoint,
    kept: tuple[str, ...],
    observed: Callable[[Progress], None],
) -> Progress:
    """Blocks until the output is in its place. Raises what `BulkScoring.run` raises."""

    async def run() -> Progress:
        async with predict_url(http, asked, connections=parallelism.concurrency) as url:
            pace = Pace(parallelism.chunk_rows)
            asker = RowAsker(predictor=url, pace=pace, clock=clock_for_bulk(), chance=random.Random())  # noqa: S311
            scoring = BulkScoring(
                source=files.source,
                output=files.output,
                ask=asker.ask,
                lines=lines_for(files.output_format, kept),
                chunk_rows=parallelism.chunk_rows,
                concurrency=parallelism.concurrency,
                observed=observed,
            )
            return await scoring.run(start)

    return _on_a_loop(run())


def _on_a_loop(work: Coroutine[Any, Any, Progress]) -> Progress:
    """In the caller's thread, so that Ctrl-C ends it; in a notebook, which has a loop there already, in another."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


__all__ = ["Asked", "Parallelism", "scored_in_full", "start_of"]
