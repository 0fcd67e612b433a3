"""What an answer is worth. Pure; done after the load, so that it does not slow down what is measured."""

from collections.abc import Iterable
from enum import IntEnum
from typing import Any, NamedTuple

import msgspec

TOLERANCE = 1e-10
"""Answers of different queries are 1e-9 apart at least; a sum in another order differs by 1e-14."""
_PLACES = ("output", "outputs", "data", "predictions", "result")


class Verdict(IntEnum):
    """`DEFAULT` is the application's default output in place of the model's, and says so."""

    RIGHT = 0
    WRONG = 1
    DEFAULT = 2
    FAILED = 3  # another status than 200, or a connection that broke
    UNFINISHED = 4  # no answer when the load generator gave up


class Judged(NamedTuple):
    """`reason` of a default answer, as the server gives it."""

    verdict: Verdict
    reason: str = ""


def judge(status: bytes, body: bytes, expected: float) -> Judged:
    """What a response with this status, such as `b"200"`, is worth to a query that must be answered `expected`."""
    if status != b"200":
        return Judged(Verdict.FAILED)
    try:
        answer = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return Judged(Verdict.WRONG)
    if isinstance(answer, dict) and answer.get("default") is True:
        return Judged(Verdict.DEFAULT, str(answer.get("default_reason", "unknown")))
    number = first_number(answer)
    is_right = number is not None and abs(number - expected) <= TOLERANCE
    return Judged(Verdict.RIGHT if is_right else Verdict.WRONG)


def first_number(answer: Any) -> float | None:
    """The output, wherever a server puts it: `{"output": 1}`, `{"outputs": [{"data": [1]}]}`, `[1]`."""
    if isinstance(answer, bool):
        return None
    if isinstance(answer, int | float):
        return float(answer)
    inner: Iterable[Any] = ()
    if isinstance(answer, list):
        inner = answer
    elif isinstance(answer, dict):
        inner = (answer[place] for place in _PLACES if place in answer)
    return next((number for part in inner if (number := first_number(part)) is not None), None)
