"""Scoring a file: chunk by chunk, several at one time, written in order."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from clipper_sls.domain.bulk.journal import BulkRun, Checkpoint, Counts, check_same
from clipper_sls.domain.bulk.output_lines import JsonLines, SeparatedLines
from clipper_sls.domain.bulk.rows import BulkRow, Chunk, ScoredRow
from clipper_sls.errors import ConflictError
from clipper_sls.ports.bulk import BulkOutput, BulkSource

Ask = Callable[[list[BulkRow]], Awaitable[list[ScoredRow]]]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; `resumed_rows` were there when it began. `share` of the input, 0 to 1."""

    counts: Counts
    share: float
    resumed_rows: int


@dataclass(frozen=True, slots=True)
class _UnderWay:
    chunk: Chunk
    scored: "asyncio.Task[list[ScoredRow]]"


class BulkScoring:
    """One run. Not more than `concurrency` chunks of `chunk_rows` rows are in memory, and one that is being read."""

    def __init__(
        self,
        *,
        source: BulkSource,
        output: BulkOutput,
        ask: Ask,
        lines: JsonLines | SeparatedLines,
        chunk_rows: int,
        concurrency: int,
        observed: Callable[[Progress], None],
    ) -> None:
        self._source = source
        self._output = output
        self._ask = ask
        self._lines = lines
        self._chunk_rows = chunk_rows
        self._concurrency = concurrency
        self._observed = observed
        self._checkpoint = Checkpoint()
        self._resumed_rows = 0

    async def run(self, checkpoint: Checkpoint) -> Progress:
        """Score what follows `checkpoint`, which the output has begun at; returns when the output is in its place.

        Raises what source, output and `ask` raise; what was complete by then is kept.
        """
        self._checkpoint, self._resumed_rows = checkpoint, checkpoint.counts.rows
        if not checkpoint.size_bytes:
            await self._append(self._lines.header(), Checkpoint())
        under_way: deque[_UnderWay] = deque()
        chunks = self._source.chunks(checkpoint.position, self._chunk_rows)
        try:
            while (chunk := await asyncio.to_thread(_next, chunks)) is not None:
                if len(under_way) == self._concurrency:
                    await self._write(under_way.popleft())
                under_way.append(_UnderWay(chunk, asyncio.ensure_future(self._scored(chunk))))
            while under_way:
                await self._write(under_way.popleft())
            await asyncio.to_thread(self._output.finish)
        finally:
            await _cancelled([each.scored for each in under_way])
        return self._progress(1.0)

    async def _scored(self, chunk: Chunk) -> list[ScoredRow]:
        return await self._ask(chunk.rows)

    async def _write(self, under_way: _UnderWay) -> None:
        try:
            rows = await under_way.scored
        finally:
            await _cancelled([under_way.scored])
        counts = self._checkpoint.counts.with_rows(rows)
        await self._append(
            self._lines.lines(rows), Checkpoint(under_way.chunk.end, counts, self._checkpoint.size_bytes)
        )
        self._observed(self._progress(under_way.chunk.share))

    async def _append(self, lines: bytes, reached: Checkpoint) -> None:
        size_bytes = reached.size_bytes + len(lines)
        self._checkpoint = Checkpoint(reached.position, reached.counts, size_bytes)
        await asyncio.to_thread(self._output.write, lines, self._checkpoint)

    def _progress(self, share: float) -> Progress:
        return Progress(self._checkpoint.counts, share, self._resumed_rows)


def start_of(run: BulkRun, output: BulkOutput, *, may_resume: bool, may_replace: bool) -> Checkpoint:
    """Begin `output`, or go on where an interrupted run of the same has stopped; returns where.

    Raises ConflictError when it is finished already, or unfinished and of another run.
    """
    if output.is_finished() and not may_replace:
        raise ConflictError(f"{output.name} is there already. Score into another file, or replace it with --force")
    journal = output.unfinished() if may_resume else None
    if journal is None:
        output.begin(run)
        return Checkpoint()
    check_same(journal.run, run, output.name)
    output.resume(journal)
    return journal.checkpoint


def _next(chunks: Iterator[Chunk]) -> Chunk | None:
    return next(chunks, None)


async def _cancelled(tasks: list["asyncio.Task[list[ScoredRow]]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
