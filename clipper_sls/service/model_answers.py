"""Clipper's model abstraction layer: one way to ask any model version, behind its cache (NSDI'17, section 4).

look up -> rows that are not there -> of equal rows, the first one only -> the model -> keep what it answered
"""

import asyncio
from collections.abc import Awaitable, Coroutine, Mapping, Sequence
from typing import Any

from clipper_sls.domain.cache_key import CacheKey, cache_key
from clipper_sls.domain.query import Deadline, DefaultReason, OutputJson, PackedRow, Predicted, RowResult, Unanswered
from clipper_sls.domain.records import ModelVersion
from clipper_sls.errors import ClipperError
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.metrics import Metrics
from clipper_sls.ports.model_invoker import ModelInvoker
from clipper_sls.ports.prediction_cache import PredictionCache
from clipper_sls.service.in_flight import InFlight, Waiting

_ABANDONED = Unanswered(DefaultReason.TIMED_OUT)
"""What those who wait are told when the first one went away without an answer."""

TURNS = 1
"""How often those who waited in vain, behind a row with less time than theirs, ask again: the first of them does."""


class ModelAnswers:
    """Without a cache, and of versions that are not to be cached, each row is asked for on its own, equal ones too."""

    def __init__(self, *, invoker: ModelInvoker, cache: PredictionCache | None, clock: Clock, metrics: Metrics) -> None:
        self._invoker = invoker
        self._cache = cache
        self._clock = clock
        self._metrics = metrics
        self._in_flight = InFlight()
        self._keeping: set[asyncio.Task[None]] = set()

    async def ask(
        self, version: ModelVersion, rows: Sequence[PackedRow], deadline: Deadline, caller: str = ""
    ) -> Sequence[RowResult]:
        """One result per row, in order, by `deadline`; `caller` is the application that asks, if one does."""
        if not rows:
            return ()
        if self._cache is None or not version.serving.is_cached:
            return await self._invoker.invoke(version, rows, deadline, caller=caller)
        keys = [cache_key(version, row) for row in rows]
        cached = await self._look_up(self._cache, version, keys, deadline)
        if not cached:
            return await self._answers(version, keys, rows, deadline, caller)  # nearly always
        missing = [index for index, key in enumerate(keys) if key not in cached]
        results: list[RowResult | None] = [Predicted(cached[key]) if key in cached else None for key in keys]
        if missing:
            asked_keys, asked_rows = [keys[index] for index in missing], [rows[index] for index in missing]
            answers = await self._answers(version, asked_keys, asked_rows, deadline, caller)
            for index, answer in zip(missing, answers, strict=True):
                results[index] = answer
        return results  # type: ignore[return-value]  # none is missing any more

    def _answers(
        self,
        version: ModelVersion,
        keys: Sequence[CacheKey],
        rows: Sequence[PackedRow],
        deadline: Deadline,
        caller: str,
        turns: int = TURNS,
    ) -> Awaitable[Sequence[RowResult]]:
        waiting = self._in_flight.join(keys)
        if not waiting:
            return self._lead(version, keys, rows, deadline, caller)
        return self._shared(version, keys, rows, deadline, caller, waiting, turns)

    async def _shared(
        self,
        version: ModelVersion,
        keys: Sequence[CacheKey],
        rows: Sequence[PackedRow],
        deadline: Deadline,
        caller: str,
        waiting: Mapping[int, Waiting],
        turns: int,
    ) -> Sequence[RowResult]:
        """The results of the rows at the indices of `waiting` are others' to get."""
        first = [index for index in range(len(keys)) if index not in waiting]
        results: dict[int, RowResult] = {}
        if first:
            answers = await self._lead(version, [keys[i] for i in first], [rows[i] for i in first], deadline, caller)
            results = dict(zip(first, answers, strict=True))
        self._metrics.coalesced(version.id, len(waiting))
        results |= await self._followed(waiting, deadline)
        again = [index for index in waiting if _is_worth_asking_again(results[index])]
        if again and turns and self._clock.now() < deadline:
            asked_keys, asked_rows = [keys[index] for index in again], [rows[index] for index in again]
            answers = await self._answers(version, asked_keys, asked_rows, deadline, caller, turns - 1)
            results |= dict(zip(again, answers, strict=True))
        return [results[index] for index in range(len(keys))]

    async def _followed(self, waiting: Mapping[int, Waiting], deadline: Deadline) -> dict[int, RowResult]:
        await asyncio.wait(waiting.values(), timeout=max(0.0, deadline - self._clock.now()))
        return {index: found.result() if found.done() else _ABANDONED for index, found in waiting.items()}

    async def _lead(
        self,
        version: ModelVersion,
        keys: Sequence[CacheKey],
        rows: Sequence[PackedRow],
        deadline: Deadline,
        caller: str,
    ) -> Sequence[RowResult]:
        """Ask for rows that nobody else is asking for, keep the outputs, and share the results."""

        def keep_late(index: int, output: OutputJson) -> None:
            self._in_background(self._keep(version, {keys[index]: output}))

        answers: Sequence[RowResult] | None = None
        try:
            answers = await self._invoker.invoke(version, rows, deadline, keep_late, caller)
            outputs = {k: answer.output for k, answer in zip(keys, answers, strict=True) if type(answer) is Predicted}
            if outputs:
                await self._keep(version, outputs)
        finally:
            self._in_flight.settle(keys, answers or [_ABANDONED] * len(keys))
        return answers

    async def _look_up(
        self, cache: PredictionCache, version: ModelVersion, keys: Sequence[CacheKey], deadline: Deadline
    ) -> Mapping[CacheKey, OutputJson]:
        """A cache that fails is a miss and a metric, never an error."""
        try:
            found = await cache.get_many(keys, ttl_s=version.serving.cache_ttl_s, deadline=deadline)
        except ClipperError:
            self._metrics.cache_failed()
            return {}
        hits = sum(key in found for key in keys) if found else 0
        self._metrics.cache_lookup(version.id, hits, len(keys) - hits)
        return found

    async def _keep(self, version: ModelVersion, outputs: Mapping[CacheKey, OutputJson]) -> None:
        if self._cache is None:
            return
        try:
            await self._cache.put_many(outputs, version.serving.cache_ttl_s)
        except ClipperError:
            self._metrics.cache_failed()

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)


def _is_worth_asking_again(result: RowResult) -> bool:
    """A model that failed for one row would fail for an equal one."""
    return isinstance(result, Unanswered) and result.reason is not DefaultReason.MODEL_FAILED
