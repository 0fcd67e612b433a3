"""Batches of messages that a queue gives to a function, joined and taken apart again. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from clipper_sls.domain.functions.hosted import CallResult, FunctionOutcome

QUEUE = "aws:sqs"


@dataclass(frozen=True, slots=True)
class QueueWindow:
    """How long messages are waited for, and how many at most."""

    seconds: float
    batch_size: int


class _Record(msgspec.Struct, rename="camel"):
    message_id: str
    event_source: str
    event_source_arn: str = msgspec.field(name="eventSourceARN")


class _Event(msgspec.Struct):
    records: list[msgspec.Raw] = msgspec.field(name="Records")


class _Failure(msgspec.Struct, rename="camel"):
    item_identifier: str


class _Failures(msgspec.Struct, rename="camel"):
    batch_item_failures: list[_Failure]


@dataclass(frozen=True, slots=True)
class Messages:
    """The records of one event, as they came."""

    source: str  # ARN of the queue
    ids: frozenset[str]
    records: Sequence[msgspec.Raw]

    @classmethod
    def read(cls, event: bytes) -> "Messages | None":
        """None when the event is none of a queue's."""
        try:
            records = msgspec.json.decode(event, type=_Event).records
            told = [msgspec.json.decode(record, type=_Record) for record in records]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        sources = {(record.event_source, record.event_source_arn) for record in told}
        if len(sources) != 1:
            return None
        ((kind, source),) = sources
        return cls(source, frozenset(record.message_id for record in told), records) if kind == QUEUE else None


def joined(batches: Sequence[Messages]) -> bytes:
    """One event with the messages of all."""
    return msgspec.json.encode(_Event([record for batch in batches for record in batch.records]))


def part_of(result: CallResult, messages: Messages) -> CallResult:
    """What the answer for a joined event says of `messages`; a failure of the whole is one of each part."""
    if not isinstance(result, FunctionOutcome) or result.is_error:
        return result
    try:
        failures = msgspec.json.decode(result.payload, type=_Failures).batch_item_failures
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return result  # whatever it is, whoever asked reads it as Lambda would
    own = [failure for failure in failures if failure.item_identifier in messages.ids]
    return FunctionOutcome(msgspec.json.encode(_Failures(own)))
