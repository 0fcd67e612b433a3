"""A function as whoever stands in for AWS Lambda has to know it, and how Lambda words what goes wrong. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

LATEST = "$LATEST"
MAX_RESPONSE_BYTES = 6_291_556
"""Of a synchronous answer: 6 MiB, and what Lambda grants on top."""

_ARN_PREFIX = "arn:aws:lambda:"
_ARN_NAME_PART = 6


@dataclass(frozen=True, slots=True)
class ImageCode:
    """Code in a container image, named by its digest."""

    uri: str

    @property
    def digest(self) -> str | None:
        """64 hex digits; None where the image is named by a tag."""
        _, separator, digest = self.uri.partition("@sha256:")
        return digest if separator else None


@dataclass(frozen=True, slots=True)
class ZipCode:
    """Code in a zip archive, which can be had at `location`."""

    sha256: str  # as Lambda gives it, base64
    location: str
    handler: str  # "handlers.query.handler"
    runtime: str  # "python3.13"


@dataclass(frozen=True, slots=True)
class FunctionVersion:
    """One version of a function. What was published never changes; `revision` tells apart what was made anew."""

    name: str
    number: str  # "7", or LATEST
    revision: str
    arn: str  # without a qualifier
    code: ImageCode | ZipCode
    timeout_s: float
    memory_mib: int
    variables: Mapping[str, str] = field(default_factory=dict)
    reserved: int | None = None  # calls at one time, of all versions together

    @property
    def key(self) -> tuple[str, str, str]:
        """Equal keys may share environments."""
        return self.name, self.number, self.revision


@dataclass(frozen=True, slots=True)
class Alias:
    """Where an alias leads: to `number`, but for the share of calls that `weights` gives to others."""

    number: str
    weights: Mapping[str, float] = field(default_factory=dict)  # by version, each between 0 and 1

    def drawn(self, chance: float) -> str:
        """The version that answers; `chance` is evenly distributed in [0, 1)."""
        for number, weight in self.weights.items():
            if chance < weight:
                return number
            chance -= weight
        return self.number


class FunctionReference(NamedTuple):
    """What an invocation names: a function, and one of its versions or aliases."""

    name: str
    qualifier: str | None

    @classmethod
    def parsed(cls, text: str, qualifier: str | None = None) -> "FunctionReference":
        """A name, `name:qualifier`, or an ARN; `qualifier` is what was given beside it."""
        tail = text.split(":")[_ARN_NAME_PART:] if text.startswith(_ARN_PREFIX) else text.split(":")
        return cls(tail[0], tail[1] if len(tail) > 1 else qualifier)


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """One event for a function."""

    request_id: str
    arn: str  # as it was invoked, with its qualifier
    event: bytes  # JSON
    trace_id: str = ""
    wants_log: bool = False


@dataclass(frozen=True, slots=True)
class FunctionOutcome:
    """What a function answered, or how it failed: `payload` is JSON in both cases."""

    payload: bytes
    is_error: bool = False
    log: bytes = b""


@dataclass(frozen=True, slots=True)
class Throttled:
    """The call was not begun: there are as many as there may be."""

    reason: str  # Lambda's
    detail: str


CallResult = FunctionOutcome | Throttled


def failed(error_type: str, message: str) -> FunctionOutcome:
    """An error in Lambda's form."""
    return FunctionOutcome(json.dumps({"errorType": error_type, "errorMessage": message}).encode(), is_error=True)


def timed_out(request_id: str, timeout_s: float) -> FunctionOutcome:
    return failed("Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after {timeout_s:.2f} seconds")


def exited(request_id: str, how: str) -> FunctionOutcome:
    return failed("Runtime.ExitError", f"RequestId: {request_id} Error: Runtime {how}")


def too_large() -> FunctionOutcome:
    return failed(
        "Function.ResponseSizeTooLarge",
        f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes).",
    )
