import pytest

from clipper_sls.adapters.aws.failures import call_error
from clipper_sls.adapters.http_connections.connection import Response

TYPE = "x-amzn-errortype"
XML = b'<?xml version="1.0"?><Error><Code>NoSuchBucket</Code><Message>No &lt;bucket&gt; &amp; more</Message></Error>'


@pytest.mark.parametrize(
    ("body", "headers", "code", "message"),
    [
        (b'{"__type":"com.amazonaws.dynamodb.v20120810#Absent","message":"gone"}', {}, "Absent", "gone"),
        (b'{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"gone"}', {}, "QueueDoesNotExist", "gone"),
        (b'{"Type":"User","Message":"slow"}', {TYPE: "TooMany:http://internal.amazon.com/x/"}, "TooMany", "slow"),
        (XML, {}, "NoSuchBucket", "No <bucket> & more"),
        (b"<html>busy</html>", {}, "HTTP 400", ""),
        (b"[1]", {}, "HTTP 400", ""),
        (b"\xff", {}, "HTTP 400", ""),
        (b"", {}, "HTTP 400", ""),
    ],
)
def test_an_error_is_read_in_each_protocol(body: bytes, headers: dict[str, str], code: str, message: str) -> None:
    error = call_error("any", "Operation", Response(400, body, headers))
    assert (error.code, error.message, error.status) == (code, message, 400)
    assert str(error) == f"any Operation: {code}{f': {message}' if message else ''}"


def test_what_a_json_error_says_more_is_kept() -> None:
    body = b'{"__type":"x#ConditionalCheckFailedException","message":"no","Item":{"k":{"S":"1"}}}'
    assert call_error("dynamodb", "PutItem", Response(400, body)).details["Item"] == {"k": {"S": "1"}}


@pytest.mark.parametrize(
    ("code", "status", "is_throttled", "is_passing", "was_done"),
    [
        ("TooManyRequestsException", 429, True, True, False),
        ("Unheard", 429, True, True, False),
        ("ProvisionedThroughputExceededException", 400, True, True, False),
        ("SlowDown", 503, True, True, False),
        ("InternalServerError", 500, False, True, None),
        ("ValidationException", 400, False, False, False),
    ],
)
def test_throttling_and_faults_pass_and_mistakes_do_not(
    code: str, status: int, is_throttled: bool, is_passing: bool, was_done: bool | None
) -> None:
    error = call_error("any", "Operation", Response(status, b"", {TYPE: code}))
    assert (error.is_throttled, error.is_passing, error.was_done) == (is_throttled, is_passing, was_done)


def test_who_is_not_let_in_is_told_from_who_asks_wrongly() -> None:
    assert call_error("s3", "GET /x", Response(403, b"<Error><Code>AccessDenied</Code></Error>")).is_denied
    assert not call_error("s3", "GET /x", Response(404, b"<Error><Code>NoSuchKey</Code></Error>")).is_denied
