"""Asking an application about many rows until each has an answer, or has been asked often enough."""

import random
from collections import deque
from collections.abc import Sequence

from clipper_sls.domain.bulk.pace import Pace, batch_end, halves
from clipper_sls.domain.bulk.rows import BulkRow, RowAnswer, ScoredRow, scored, unanswered
from clipper_sls.domain.query import DefaultReason
from clipper_sls.errors import (
    InvalidInputError,
    NoReplicaError,
    NotServedError,
    RequestFailedError,
    RequestTooLargeError,
    StoreUnavailableError,
    UnconnectedError,
)
from clipper_sls.ports.bulk import BulkPredictor
from clipper_sls.ports.clock import Clock

MAX_BODY_BYTES = 4 * 1024 * 1024
"""Of the inputs of one request: a Lambda function takes 6 MB, and base64 may be around them."""

TRIES = 6
FIRST_WAIT_S = 0.1
MAX_WAIT_S = 5.0

LATE = frozenset({DefaultReason.TIMED_OUT, DefaultReason.OVERLOADED, DefaultReason.NO_REPLICA})
"""Defaults that may be answers a moment later, or in a smaller batch."""

UNREACHED = (UnconnectedError, RequestFailedError, StoreUnavailableError, NoReplicaError)


class RowAsker:
    """Several chunks may be asked at one time; what one learns of the pace helps the others."""

    def __init__(self, *, predictor: BulkPredictor, pace: Pace, clock: Clock, chance: random.Random) -> None:
        self._predictor = predictor
        self._pace = pace
        self._clock = clock
        self._chance = chance

    async def ask(self, rows: Sequence[BulkRow]) -> list[ScoredRow]:
        """One result for each row, in order.

        Raises what the predictor raises when nobody answers, however often it is asked; NotServedError when no model
        is linked, which no row can be told from another by.
        """
        places = [place for place, row in enumerate(rows) if row.input_json is not None]
        inputs = [row.input_json for row in rows if row.input_json is not None]
        answers = await self._answers(inputs)
        results = [unanswered(row, row.problem) for row in rows]
        for place, answer in zip(places, answers, strict=True):
            row = rows[place]
            results[place] = unanswered(row, answer) if isinstance(answer, str) else scored(row, answer)
        return results

    async def _answers(self, inputs: Sequence[bytes]) -> list[RowAnswer | str]:
        """An answer, or why an input is none, for each."""
        found: list[RowAnswer | str] = [""] * len(inputs)
        left = list(range(len(inputs)))
        for attempt in range(TRIES):
            if attempt:
                await self._wait(attempt)
            left = await self._round([(place, inputs[place]) for place in left], found)
            if not left:
                break
        return found

    async def _round(self, asked: Sequence[tuple[int, bytes]], found: list[RowAnswer | str]) -> list[int]:
        """Ask each once; returns the places of those that were late."""
        inputs = [content for _, content in asked]
        late: list[int] = []
        start = 0
        while start < len(inputs):
            end = batch_end(inputs, start, self._pace.size, MAX_BODY_BYTES)
            answers = await self._together(inputs[start:end])
            missed = [asked[start + n][0] for n, answer in enumerate(answers) if _is_late(answer)]
            self._pace.observe(end - start, len(missed))
            for n, answer in enumerate(answers):
                found[asked[start + n][0]] = answer
            late += missed
            start = end
        return late

    async def _together(self, inputs: Sequence[bytes]) -> list[RowAnswer | str]:
        """Answers to a batch. What cannot be asked together is asked in halves, down to the input that is to blame."""
        found: list[RowAnswer | str] = [""] * len(inputs)
        ranges = deque([(0, len(inputs))])
        while ranges:
            start, end = ranges.popleft()
            try:
                found[start:end] = await self._reached(inputs[start:end])
            except (InvalidInputError, RequestTooLargeError) as error:
                if end - start == 1:
                    found[start] = error.msg
                else:
                    ranges.extend(halves(start, end))
        return found

    async def _reached(self, inputs: Sequence[bytes]) -> Sequence[RowAnswer]:
        attempt = 0
        while True:
            try:
                answers = await self._predictor.predict(inputs)
            except UNREACHED:
                attempt += 1
                if attempt == TRIES:
                    raise
                await self._wait(attempt)
            else:
                _check_linked(answers)
                return answers

    async def _wait(self, attempt: int) -> None:
        """Full jitter, so that those who ask at one time do not come back at one time."""
        longest_s = min(MAX_WAIT_S, FIRST_WAIT_S * 2**attempt)
        await self._clock.sleep_until(self._clock.now() + self._chance.uniform(0, longest_s))


def _is_late(answer: RowAnswer | str) -> bool:
    return isinstance(answer, RowAnswer) and answer.reason in LATE


def _check_linked(answers: Sequence[RowAnswer]) -> None:
    if any(answer.reason == DefaultReason.NO_MODEL_LINKED for answer in answers):
        raise NotServedError(
            "No model is linked to the application, or it has no current version, so every row would get the default "
            "output. Link one with `clipper-sls link`, and run the same command again to go on"
        )
