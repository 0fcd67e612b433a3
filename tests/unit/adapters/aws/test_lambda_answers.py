import pytest

from clipper_sls.adapters.aws.failures import (
    AwsCallError,
    AwsFailureError,
    AwsNoAnswerError,
    AwsNoCredentialsError,
    AwsTimeoutError,
)
from clipper_sls.adapters.aws.lambda_answers import Answered, Fault, Stored, Unfit, as_answered_by, outcome, refusal
from clipper_sls.adapters.http_connections.connection import Response
from clipper_sls.domain.query import DefaultReason, OutputJson, Predicted, Unanswered

ONE = Predicted(OutputJson(b"1"))
FAILED = Unanswered(DefaultReason.MODEL_FAILED, "x")


def _error(body: bytes) -> Unfit:
    told = outcome(Response(200, body, {"x-amz-function-error": "Unhandled", "x-amz-executed-version": "7"}), 2)
    assert isinstance(told, Unfit)
    return told


def test_a_result_comes_with_who_gave_it() -> None:
    told = outcome(Response(200, b'{"outputs":[1,null],"errors":[[1,"x"]]}', {"x-amz-executed-version": "7"}), 2)
    assert told == Answered([ONE, FAILED], "7")


def test_a_stored_result_comes_with_its_size() -> None:
    told = outcome(Response(200, b'{"stored_bytes": 7000000}', {"x-amz-executed-version": "7"}), 2)
    assert told == Stored(7_000_000, "7")


@pytest.mark.parametrize(
    ("body", "reason", "detail", "fault"),
    [
        (b'{"errorType":"ValueError","errorMessage":"no"}', DefaultReason.MODEL_FAILED, "ValueError: no", Fault.OTHER),
        (
            b'{"errorMessage":"2026-01-02T03:04:05Z 3a Task timed out after 3.00 seconds"}',
            DefaultReason.TIMED_OUT,
            "2026-01-02T03:04:05Z 3a Task timed out after 3.00 seconds",
            Fault.OTHER,
        ),
        (
            b'{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 1 Error: Task timed out after 3.00 seconds"}',
            DefaultReason.TIMED_OUT,
            "Sandbox.Timedout: RequestId: 1 Error: Task timed out after 3.00 seconds",
            Fault.OTHER,
        ),
        (
            b'{"errorType":"Runtime.ExitError","errorMessage":"RequestId: 1 Error: Runtime exited with error: killed"}',
            DefaultReason.MODEL_FAILED,
            "Runtime.ExitError: RequestId: 1 Error: Runtime exited with error: killed",
            Fault.CRASHED,
        ),
        (
            b'{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded"}',
            DefaultReason.MODEL_FAILED,
            "Function.ResponseSizeTooLarge: Response payload size exceeded",
            Fault.RESULT_TOO_LARGE,
        ),
        (b"boom", DefaultReason.MODEL_FAILED, "boom", Fault.OTHER),
    ],
)
def test_errors_of_functions_are_told_apart(body: bytes, reason: DefaultReason, detail: str, fault: Fault) -> None:
    assert _error(body) == Unfit(Unanswered(reason, detail), fault)


@pytest.mark.parametrize(
    ("error", "reason", "word"),
    [
        (AwsCallError("lambda", "Invoke f:a", "TooManyRequestsException", "Rate", 429), "overloaded", "TooMany"),
        (AwsCallError("lambda", "Invoke f:a", "ResourceNotFoundException", "gone", 404), "no_replica", "Invoke f:a"),
        (AwsCallError("lambda", "Invoke f:a", "ServiceException", "", 500), "no_replica", "ServiceException"),
        (AwsCallError("lambda", "Invoke f:a", "AccessDeniedException", "no", 403), "model_failed", "may not do that"),
        (AwsCallError("lambda", "Invoke f:a", "RequestTooLargeException", "x", 413), "model_failed", "TooLarge"),
        (AwsCallError("s3", "PUT /x", "NoSuchBucket", "x", 404), "model_failed", "s3 PUT /x: NoSuchBucket"),
        (AwsNoCredentialsError("credentials", "look-up", "none", was_done=False), "model_failed", "may not do that"),
        (AwsTimeoutError("lambda", "Invoke f:a", "late", was_done=None), "timed_out", ""),
        (AwsNoAnswerError("lambda", "Invoke f:a", "nobody there", was_done=False), "no_replica", "nobody there"),
    ],
)
def test_reasons_why_nothing_was_invoked_are_told_apart(error: AwsFailureError, reason: str, word: str) -> None:
    told = refusal(error)
    assert told.unanswered.reason == reason
    assert word in told.unanswered.detail
    assert told.fault is Fault.OTHER


def test_only_outputs_of_another_version_are_marked() -> None:
    results = [ONE, FAILED]
    assert as_answered_by(results, "7", "7") is results
    assert as_answered_by(results, None, "7") is results
    assert as_answered_by(results, "8", "7") == [Predicted(OutputJson(b"1"), "8"), FAILED]


def test_an_error_that_comes_without_its_header_is_one() -> None:
    told = outcome(Response(200, b'{"errorMessage":"no","errorType":"ValueError"}', {}), 2)
    assert told == Unfit(Unanswered(DefaultReason.MODEL_FAILED, "ValueError: no"), Fault.OTHER)
