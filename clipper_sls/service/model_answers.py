"""Clipper's model abstraction layer: one way to ask any model version, behind its cache (NSDI'17, section 4).

look up -> rows that are not there -> of equal rows, the first one only -> the model -> keep what it answered

What is nearly always the case needs no coroutine: nothing is found, nobody is asking the same, and the future that the
model's answer comes in is handed back as it is.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from functools import partial

from msgspec import Struct

from clipper_sls.domain.cache_key import CacheKey, cache_key
from clipper_sls.domain.query import Deadline, DefaultReason, OutputJson, PackedRow, Predicted, RowResult, Unanswered
from clipper_sls.domain.records import ModelVersion
from clipper_sls.errors import ClipperError
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.metrics import Metrics
from clipper_sls.ports.model_invoker import ModelInvoker
from clipper_sls.ports.prediction_cache import PredictionCache
from clipper_sls.service.in_flight import InFlight, Waiting

Results = Sequence[RowResult]
Asked = asyncio.Future[Results]
"""Results to come. Cancelling it abandons the rows."""

_ABANDONED = Unanswered(DefaultReason.TIMED_OUT)
"""What those who wait are told when the first one went away without an answer."""

TURNS = 1
"""How often those who waited in vain, behind a row with less time than theirs, ask again: the first of them does."""


class _Question(Struct, frozen=True):
    """Rows of a version, and the keys of their outputs."""

    version: ModelVersion
    keys: Sequence[CacheKey]
    rows: Sequence[PackedRow]
    deadline: Deadline
    caller: str

    def part(self, indices: Sequence[int]) -> "_Question":
        keys, rows = [self.keys[index] for index in indices], [self.rows[index] for index in indices]
        return _Question(self.version, keys, rows, self.deadline, self.caller)


class ModelAnswers:
    """Without a cache, and of versions that are not to be cached, each row is asked for on its own, equal ones too."""

    def __init__(self, *, invoker: ModelInvoker, cache: PredictionCache | None, clock: Clock, metrics: Metrics) -> None:
        self._invoker = invoker
        self._cache = cache
        self._clock = clock
        self._metrics = metrics
        self._in_flight = InFlight()

    def ask(self, version: ModelVersion, rows: Sequence[PackedRow], deadline: Deadline, caller: str = "") -> Asked:
        """One result per row, in order, by `deadline`; `caller` is the application that asks, if one does."""
        if not rows:
            return known(())
        if self._cache is None or not version.serving.is_cached:
            return _future(self._invoker.invoke(version, rows, deadline, caller=caller))
        question = _Question(version, [cache_key(version, row) for row in rows], rows, deadline, caller)
        found = self._cache.peek(question.keys)
        if found is None:
            return _future(self._ask_after_look_up(self._cache, question))
        return self._ask_beyond(self._cache, question, found)

    async def _ask_after_look_up(self, cache: PredictionCache, question: _Question) -> Results:
        return await self._ask_beyond(cache, question, await self._look_up(cache, question))

    async def _look_up(self, cache: PredictionCache, question: _Question) -> Mapping[CacheKey, OutputJson] | None:
        """A cache that fails is a miss and a metric, never an error."""
        ttl_s = question.version.serving.cache_ttl_s
        try:
            return await cache.get_many(question.keys, ttl_s=ttl_s, deadline=question.deadline)
        except ClipperError:
            self._metrics.cache_failed()
            return None

    def _ask_beyond(
        self, cache: PredictionCache, question: _Question, found: Mapping[CacheKey, OutputJson] | None
    ) -> Asked:
        """What is not `found`, which is None where nobody could look, is asked of the model."""
        keys = question.keys
        if found is not None:
            hits = sum(key in found for key in keys) if found else 0
            self._metrics.cache_lookup(question.version.id, hits, len(keys) - hits)
        if not found:
            return self._ask_once(cache, question)  # nearly always
        results: list[RowResult | None] = [Predicted(found[key]) if key in found else None for key in keys]
        missing = [index for index, result in enumerate(results) if result is None]
        if not missing:
            return known(results)  # type: ignore[arg-type]  # none is missing
        return _future(_filled(results, missing, self._ask_once(cache, question.part(missing))))

    def _ask_once(self, cache: PredictionCache, question: _Question, turns: int = TURNS) -> Asked:
        """Ask the model for those rows that nobody is asking for, and wait for the others' results."""
        waiting = self._in_flight.join(question.keys)
        if not waiting:
            return self._lead(cache, question)
        first = [index for index in range(len(question.keys)) if index not in waiting]
        leading = self._lead(cache, question.part(first)) if first else None
        return _future(self._share(cache, question, waiting, first, leading, turns))

    async def _share(
        self,
        cache: PredictionCache,
        question: _Question,
        waiting: Mapping[int, Waiting],
        first: Sequence[int],
        leading: Asked | None,
        turns: int,
    ) -> Results:
        """The results of the rows at the indices of `waiting` are others' to get."""
        results: dict[int, RowResult] = {}
        if leading is not None:
            results = dict(zip(first, await leading, strict=True))
        self._metrics.coalesced(question.version.id, len(waiting))
        results |= await self._follow(waiting, question.deadline)
        again = [index for index in waiting if _is_worth_asking_again(results[index])]
        if again and turns and self._clock.now() < question.deadline:
            answers = await self._ask_once(cache, question.part(again), turns - 1)
            results |= dict(zip(again, answers, strict=True))
        return [results[index] for index in range(len(question.keys))]

    async def _follow(self, waiting: Mapping[int, Waiting], deadline: Deadline) -> dict[int, RowResult]:
        await asyncio.wait(waiting.values(), timeout=max(0.0, deadline - self._clock.now()))
        return {index: found.result() if found.done() else _ABANDONED for index, found in waiting.items()}

    def _lead(self, cache: PredictionCache, question: _Question) -> Asked:
        """Ask for rows that nobody else is asking for; keep the outputs, and share the results, when they come."""
        version, keys, rows = question.version, question.keys, question.rows
        ttl_s = version.serving.cache_ttl_s

        def keep_late(index: int, output: OutputJson) -> None:
            cache.put_many({keys[index]: output}, ttl_s)

        answered = _future(self._invoker.invoke(version, rows, question.deadline, keep_late, question.caller))
        if answered.done():  # refused, say
            self._led(cache, version, keys, answered)
        else:
            answered.add_done_callback(partial(self._led, cache, version, keys))
        return answered

    def _led(self, cache: PredictionCache, version: ModelVersion, keys: Sequence[CacheKey], answered: Asked) -> None:
        if answered.cancelled() or answered.exception() is not None:
            self._in_flight.settle(keys, [_ABANDONED] * len(keys))
            return
        results = answered.result()
        outputs = {
            key: result.output
            for key, result in zip(keys, results, strict=True)
            if type(result) is Predicted and result.answered_by is None
        }
        if outputs:
            cache.put_many(outputs, version.serving.cache_ttl_s)
        self._in_flight.settle(keys, results)


async def _filled(results: list[RowResult | None], missing: Sequence[int], asked: Asked) -> Results:
    for index, answer in zip(missing, await asked, strict=True):
        results[index] = answer
    return results  # type: ignore[return-value]  # none is missing any more


def _future(results: Awaitable[Results]) -> Asked:
    return results if isinstance(results, asyncio.Future) else asyncio.ensure_future(results)


def known(results: Results) -> Asked:
    """Results that have come already."""
    known: Asked = asyncio.get_running_loop().create_future()
    known.set_result(results)
    return known


def _is_worth_asking_again(result: RowResult) -> bool:
    """A model that failed for one row would fail for an equal one."""
    return isinstance(result, Unanswered) and result.reason is not DefaultReason.MODEL_FAILED
