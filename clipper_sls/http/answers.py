"""Answers of the query application, not yet of any framework."""

import logging

from msgspec import Struct

from clipper_sls.domain.identifiers import shortened
from clipper_sls.errors import ClipperError, RequestedVersionError
from clipper_sls.http.encode import encode_error
from clipper_sls.http.error_map import status_of

JSON = "application/json"

logger = logging.getLogger(__name__)


class Answer(Struct, frozen=True, gc=False):
    """A JSON response. `error_code` goes into a header, beside `headers`."""

    status: int
    body: bytes
    error_code: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


def error_answer(error: ClipperError) -> Answer:
    """Clipper's error object, with our code beside it."""
    if isinstance(error, RequestedVersionError):
        name = "Query processing error"
    elif error.msg.startswith("Error parsing JSON"):
        name = "Json error"
    else:
        name = error.code.replace("_", " ").capitalize()
    return Answer(status_of(error), encode_error(name, error.msg, error.code), error.code)


def failure_answer(name: str, error: Exception) -> Answer:
    """For an error of ours, and for what nobody foresaw, which is logged."""
    if isinstance(error, ClipperError):
        return error_answer(error)
    logger.error("A prediction of application %r failed", shortened(name), exc_info=error)
    return unexpected_answer(error)


def unexpected_answer(error: Exception) -> Answer:
    """Clipper's text for what nobody foresaw."""
    return Answer(500, encode_error("An unexpected error occurred!", type(error).__name__, "error"), "error")
