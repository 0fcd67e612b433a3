"""What can go wrong with a call of AWS. None of it leaves adapters: each translates it into what it means there."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from clipper_sls.adapters.http_connections.connection import Response

TOO_MANY_REQUESTS = 429
SERVER_ERRORS = range(500, 600)

THROTTLED = frozenset(
    [
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    ]
)
"""Codes of all services that say: later. What was asked has not been done."""

DENIED = frozenset(
    [
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    ]
)
"""Codes of all services that say: not you."""

_XML = re.compile(rb"<(Code|Message)>(.*?)</\1>", re.DOTALL)
_MEANING = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}


class AwsFailureError(Exception):
    """`was_done` is None when nobody knows whether AWS has done what it was asked to."""

    def __init__(self, service: str, operation: str, why: str, *, was_done: bool | None) -> None:
        super().__init__(f"{service} {operation}: {why}")
        self.service = service
        self.operation = operation
        self.was_done = was_done

    @property
    def is_passing(self) -> bool:
        """Whether the same request may be answered a moment later."""
        return True


class AwsNoAnswerError(AwsFailureError):
    """There is no answer: no connection, or it broke."""


class AwsTimeoutError(AwsNoAnswerError):
    """There was no answer by the deadline."""

    @property
    def is_passing(self) -> bool:
        return False


class AwsNoCredentialsError(AwsFailureError):
    """Nothing here says who is asking."""

    @property
    def is_passing(self) -> bool:
        return False


class AwsCallError(AwsFailureError):
    """AWS answered that it does not do it. `details` is the answer's JSON object, of a service that speaks JSON."""

    def __init__(
        self,
        service: str,
        operation: str,
        code: str,
        message: str,
        status: int,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        was_done = None if status in SERVER_ERRORS and code not in THROTTLED else False
        super().__init__(service, operation, f"{code}: {message}" if message else code, was_done=was_done)
        self.code = code
        self.message = message
        self.status = status
        self.details = details or {}

    @property
    def is_throttled(self) -> bool:
        return self.code in THROTTLED or self.status == TOO_MANY_REQUESTS

    @property
    def is_denied(self) -> bool:
        return self.code in DENIED

    @property
    def is_passing(self) -> bool:
        return self.is_throttled or self.status in SERVER_ERRORS


def call_error(service: str, operation: str, response: Response) -> AwsCallError:
    """What a response of an error status says, in JSON, in XML, or by its status alone."""
    details = _json_object(response.body)
    code = response.headers.get("x-amzn-errortype") or str(details.get("__type") or details.get("code") or "")
    message = details.get("message") or details.get("Message") or details.get("errorMessage") or ""
    if not details:
        parts = {name: _unescaped(text) for name, text in _XML.findall(response.body)}
        code, message = code or parts.get(b"Code", ""), parts.get(b"Message", "")
    code = code.partition(":")[0].rpartition("#")[2] or f"HTTP {response.status}"
    return AwsCallError(service, operation, code, str(message), response.status, details)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _unescaped(text: bytes) -> str:
    return re.sub(r"&\w+;", lambda found: _MEANING.get(found.group(), found.group()), text.decode(errors="replace"))
