"""Queries, what became of each row, and the reasons for a default answer.

What is made for each query is a `Struct`, which costs a fifth of a frozen dataclass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from msgspec import Struct

from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.inputs import InputType

Deadline = NewType("Deadline", float)
"""When an answer is due, in seconds of the port `Clock.now`. Fixed once, at the edge."""

PackedRow = bytes
"""One input, packed by `domain.inputs`."""

OutputJson = NewType("OutputJson", bytes)
"""One output as JSON text in UTF-8, the way the model's process wrote it."""


class DefaultReason(StrEnum):
    """Why an answer is the default one."""

    NO_MODEL_LINKED = "no_model_linked"
    NO_REPLICA = "no_replica"
    TIMED_OUT = "timed_out"
    MODEL_FAILED = "model_failed"
    OVERLOADED = "overloaded"

    __hash__ = str.__hash__  # and not Enum's, which is many times slower


class Predicted(Struct, frozen=True, gc=False):
    """A row the model answered. `answered_by` is set when it was not the version that was asked, but the published
    version of that number of the same function: a canary, or one that became current a moment ago."""

    output: OutputJson
    answered_by: str | None = None


class Unanswered(Struct, frozen=True, gc=False):
    """A row the model did not answer; `detail` says more, for people."""

    reason: DefaultReason
    detail: str = ""


RowResult = Predicted | Unanswered


class Query(Struct, frozen=True):
    """Rows that one caller sent together, of one type, due at one time."""

    application: AppName
    input_type: InputType
    rows: Sequence[PackedRow]
    deadline: Deadline
    version: str | None = None  # pins a version of the linked model


class Prediction(Struct, frozen=True, gc=False):
    """The answer to one row. `unanswered` is set when the caller gets the application's default output."""

    query_id: int
    output: OutputJson
    unanswered: Unanswered | None = None


@dataclass(frozen=True, slots=True)
class Feedback:
    """What the right answer to an input turned out to be."""

    application: AppName
    user_id: int
    input_json: bytes
    label: float
    received_at: float  # seconds since 1970, UTC


NO_MODEL_TEXT = "No connected models found for query"
TIMED_OUT_TEXT = "Failed to retrieve a prediction response within the specified latency SLO"


def explanation(unanswered: Unanswered) -> str:
    """The sentence beside a default output. The first two texts are Clipper's, word for word."""
    match unanswered.reason:
        case DefaultReason.NO_MODEL_LINKED | DefaultReason.NO_REPLICA:
            return NO_MODEL_TEXT
        case DefaultReason.TIMED_OUT:
            return TIMED_OUT_TEXT
        case DefaultReason.OVERLOADED:
            return f"Overloaded: the query could not have been answered in time{_colon(unanswered.detail)}"
        case DefaultReason.MODEL_FAILED:
            return f"The model failed{_colon(unanswered.detail)}"


def _colon(detail: str) -> str:
    return f": {detail}" if detail else ""
