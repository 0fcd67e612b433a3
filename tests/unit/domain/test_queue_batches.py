import json

import pytest

from clipper_sls.domain.functions.hosted import FunctionOutcome, failed
from clipper_sls.domain.queue_batches import Messages, joined, part_of

QUEUE = "arn:aws:sqs:us-east-1:000000000000:jobs"


def event(*ids: str, source: str = QUEUE, kind: str = "aws:sqs") -> bytes:
    records = [{"messageId": one, "body": one, "eventSource": kind, "eventSourceARN": source} for one in ids]
    return json.dumps({"Records": records}).encode()


def read(content: bytes) -> Messages:
    messages = Messages.read(content)
    assert messages is not None
    return messages


def test_messages_are_joined_as_they_came() -> None:
    together = json.loads(joined([read(event("a", "b")), read(event("c"))]))
    assert together["Records"] == [json.loads(event(one))["Records"][0] for one in "abc"]


def test_each_part_hears_of_its_own_failures() -> None:
    whole = FunctionOutcome(b'{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"c"}]}')
    parts = [part_of(whole, read(event("a", "b"))), part_of(whole, read(event("d")))]
    assert parts == [
        FunctionOutcome(b'{"batchItemFailures":[{"itemIdentifier":"a"}]}'),
        FunctionOutcome(b'{"batchItemFailures":[]}'),
    ]


@pytest.mark.parametrize("whole", [failed("KeyError", "x"), FunctionOutcome(b"null"), FunctionOutcome(b"not json")])
def test_what_names_no_messages_is_told_to_all(whole: FunctionOutcome) -> None:
    assert part_of(whole, read(event("a"))) == whole


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"Records":[]}',
        event("a", kind="aws:kinesis"),
        event("a")[:-1],
        b'{"Records":[{"messageId":"a"}]}',
    ],
)
def test_other_events_are_none_of_a_queue(content: bytes) -> None:
    assert Messages.read(content) is None


def test_messages_of_two_queues_are_not_one_batch() -> None:
    both = json.loads(event("a"))["Records"] + json.loads(event("b", source=f"{QUEUE}-2"))["Records"]
    assert Messages.read(json.dumps({"Records": both}).encode()) is None
