"""Asks model versions that are published functions of AWS Lambda.

A function answers one batch at a time, so batches are made of the rows of one query only, and what does not fit into
one invocation goes into several at one time. The connection that waits for an answer is closed when the query is given
up, and nothing is left running: on Lambda whoever asked is frozen then.
"""

import asyncio
import math
from collections.abc import Sequence

from clipper_sls.adapters.aws.known_functions import KnownFunction, KnownFunctions
from clipper_sls.adapters.aws.lambda_answers import Answered, Fault, Unfit
from clipper_sls.adapters.aws.lambda_call import LambdaCall
from clipper_sls.domain.envelope import MAX_PAYLOAD_BYTES
from clipper_sls.domain.parts import parts_of
from clipper_sls.domain.query import Deadline, DefaultReason, PackedRow, RowResult, Unanswered
from clipper_sls.domain.records import ADAPTIVE_BATCH_SIZE, ModelVersion
from clipper_sls.domain.results import failed
from clipper_sls.domain.rows_at_once import MAX_PARALLEL
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.metrics import Metrics
from clipper_sls.ports.model_invoker import LateOutput

MAX_CRASHES = 12
"""How many times a query's rows are asked again, in halves, of a function whose process ended: enough to find one row
among 4,096. A function that cannot even start ends as often, and fails them all."""

LONGEST_S = 900.0
"""A function runs no longer."""

Results = Sequence[RowResult]


class LambdaInvoker:
    """Implements `ModelInvoker` for versions with a function. `clock.now` must run with the event loop's time."""

    def __init__(self, *, call: LambdaCall, clock: Clock, metrics: Metrics) -> None:
        self._call = call
        self._clock = clock
        self._metrics = metrics
        self._functions = KnownFunctions()

    async def invoke(
        self,
        version: ModelVersion,
        rows: Sequence[PackedRow],
        deadline: Deadline,
        late: LateOutput | None = None,
        caller: str = "",
    ) -> Results:
        """See `ModelInvoker.invoke`. Nothing comes late."""
        if version.function is None:
            return [failed(f"model {version.id} is not a function of AWS Lambda")] * len(rows)
        known = self._functions.of(version)
        query = _Query(self._call, version, known, deadline, self._clock, self._metrics)
        if len(rows) == 1:
            return await query.ask(rows)
        began = self._clock.now()
        parts = _parts(version, known, rows)
        results = [result for part in await query.ask_all([rows[part] for part in parts]) for result in part]
        took_s = math.inf if any(map(_is_late, results)) else self._clock.now() - began
        largest = max(len(rows[part]) for part in parts)
        known.rows_at_once.observe(largest, took_s, min(LONGEST_S, deadline - began))
        return results


def _parts(version: ModelVersion, known: KnownFunction, rows: Sequence[PackedRow]) -> list[slice]:
    is_adaptive = version.batch_size == ADAPTIVE_BATCH_SIZE
    max_rows = known.rows_at_once.most(len(rows)) if is_adaptive else version.batch_size
    return parts_of([len(row) for row in rows], max_rows=max_rows, max_event_bytes=MAX_PAYLOAD_BYTES)


def _is_late(result: RowResult) -> bool:
    return type(result) is Unanswered and result.reason is DefaultReason.TIMED_OUT


class _Query:
    """The rows that one caller sent together."""

    def __init__(
        self,
        call: LambdaCall,
        version: ModelVersion,
        known: KnownFunction,
        deadline: Deadline,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._call = call
        self._version = version
        self._known = known
        self._deadline = deadline
        self._clock = clock
        self._metrics = metrics
        self._crashes_left = MAX_CRASHES

    async def ask_all(self, parts: Sequence[Sequence[PackedRow]]) -> Sequence[Results]:
        """At one time, as many as may be."""
        if len(parts) == 1:
            return [await self.ask(parts[0])]
        turns = asyncio.Semaphore(MAX_PARALLEL)

        async def ask_in_turn(rows: Sequence[PackedRow]) -> Results:
            async with turns:
                return await self.ask(rows)

        return await asyncio.gather(*map(ask_in_turn, parts))

    async def ask(self, rows: Sequence[PackedRow]) -> Results:
        """One result per row. What may have failed for their number, or for one of them, is asked again."""
        may_be_large = self._known.has_large_results or not self._version.serving.is_idempotent
        outcome = await self._once(rows, may_be_large)
        if isinstance(outcome, Answered):
            return outcome.results
        if outcome.fault is Fault.OTHER or not self._version.serving.is_idempotent:
            return [outcome.unanswered] * len(rows)
        if outcome.fault is Fault.RESULT_TOO_LARGE and self._call.can_store and not may_be_large:
            self._known.has_large_results = True
            return await self.ask(rows)
        if outcome.fault is Fault.CRASHED:
            self._crashes_left -= 1
        if len(rows) == 1 or self._crashes_left < 0:
            return [outcome.unanswered] * len(rows)
        middle = len(rows) // 2
        halves = await asyncio.gather(self.ask(rows[:middle]), self.ask(rows[middle:]))
        return [*halves[0], *halves[1]]

    async def _once(self, rows: Sequence[PackedRow], may_be_large: bool) -> Answered | Unfit:
        began = self._clock.now()
        outcome = await self._call.invoke(self._version, rows, self._deadline, may_be_large=may_be_large)
        if isinstance(outcome, Answered):
            self._metrics.batch(self._version.id, len(rows), self._clock.now() - began, 0.0)
        return outcome
