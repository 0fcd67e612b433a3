"""What Lambda's answer to an invocation means. Pure."""

import re
from collections.abc import Sequence
from enum import Enum, auto

from msgspec import Struct

from clipper_sls.adapters.aws.failures import AwsCallError, AwsFailureError, AwsNoCredentialsError, AwsTimeoutError
from clipper_sls.adapters.http_connections.connection import Response
from clipper_sls.domain.identifiers import shortened
from clipper_sls.domain.query import DefaultReason, OutputJson, Predicted, RowResult, Unanswered
from clipper_sls.domain.results import MAX_DETAIL_CHARACTERS, failed, read_failure, read_result, read_stored

_FUNCTION_ERROR = "x-amz-function-error"
_EXECUTED_VERSION = "x-amz-executed-version"

_NOT_THERE = frozenset(
    (
        "ResourceNotFoundException",  # no such function, or no such alias
        "ResourceConflictException",  # it is being made, or changed
        "ResourceNotReadyException",  # it was idle for weeks, and is being brought back
        "SnapStartNotReadyException",
    )
)
_ERRORS = (b'{"errorType"', b'{"errorMessage"')
"""How errors begin. Lambda's own emulator does not say in a header that it is one."""

_TOO_LARGE = "Function.ResponseSizeTooLarge"
_TIMED_OUT = re.compile(r"Sandbox\.Timedout|Task timed out after")
_CRASHED = re.compile(r"Runtime\.ExitError|Runtime\.OutOfMemory|Runtime exited")


class Fault(Enum):
    """Whether it may be worth asking again, in another way."""

    RESULT_TOO_LARGE = auto()
    CRASHED = auto()  # the process ended, perhaps because of one of its rows, or of all together
    OTHER = auto()


class Answered(Struct, frozen=True):
    results: Sequence[RowResult]
    executed: str | None  # the number of the published version that answered


class Stored(Struct, frozen=True):
    """The result was put where the event said."""

    size_bytes: int
    executed: str | None


class Unfit(Struct, frozen=True):
    """No row has an answer, all for the same reason."""

    unanswered: Unanswered
    fault: Fault = Fault.OTHER


Outcome = Answered | Stored | Unfit


def outcome(response: Response, row_count: int) -> Outcome:
    """Of a response whose status says that the function was invoked."""
    executed = response.headers.get(_EXECUTED_VERSION)
    if _FUNCTION_ERROR in response.headers or response.body.startswith(_ERRORS):
        return _function_error(read_failure(response.body))
    size_bytes = read_stored(response.body)
    if size_bytes is not None:
        return Stored(size_bytes, executed)
    return Answered(read_result(response.body, row_count), executed)


def refusal(error: AwsFailureError) -> Unfit:
    """Why nothing was invoked, or nobody knows whether anything was."""
    if isinstance(error, AwsTimeoutError):
        return Unfit(Unanswered(DefaultReason.TIMED_OUT))
    if isinstance(error, AwsNoCredentialsError) or (isinstance(error, AwsCallError) and error.is_denied):
        return _unfit(DefaultReason.MODEL_FAILED, f"Who asks may not do that: {error}")
    if not isinstance(error, AwsCallError):
        return _unfit(DefaultReason.NO_REPLICA, str(error))
    if error.is_throttled:
        return _unfit(DefaultReason.OVERLOADED, str(error))
    if error.code in _NOT_THERE or error.is_passing:
        return _unfit(DefaultReason.NO_REPLICA, str(error))
    return _unfit(DefaultReason.MODEL_FAILED, str(error))


def as_answered_by(results: Sequence[RowResult], executed: str | None, asked: str) -> Sequence[RowResult]:
    """The same, and on each output who has answered where it was not version `asked`."""
    if executed is None or executed == asked:
        return results
    return [
        Predicted(OutputJson(result.output), executed) if isinstance(result, Predicted) else result
        for result in results
    ]


def _function_error(text: str) -> Unfit:
    if _TIMED_OUT.search(text):
        return _unfit(DefaultReason.TIMED_OUT, text)
    if text.startswith(_TOO_LARGE):
        return Unfit(failed(text), Fault.RESULT_TOO_LARGE)
    return Unfit(failed(text), Fault.CRASHED if _CRASHED.match(text) else Fault.OTHER)


def _unfit(reason: DefaultReason, detail: str) -> Unfit:
    return Unfit(Unanswered(reason, shortened(detail, MAX_DETAIL_CHARACTERS)))
