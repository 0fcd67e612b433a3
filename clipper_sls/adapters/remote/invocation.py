"""What the response to a batch means, and that to the question whether a server is ready. Pure."""

import math

from clipper_sls.adapters.http_connections.connection import Response
from clipper_sls.domain.envelope import TIMEOUT_HEADER
from clipper_sls.domain.query import DefaultReason, RowResult, Unanswered
from clipper_sls.domain.results import failed, read_failure, read_result

OK = 200
TOO_MANY_REQUESTS = 429
SERVER_ERRORS = range(500, 600)
NOT_THERE = frozenset((502, 503, 504))
"""Of a server before it is ready and while it ends, and of proxies that do not reach one."""


def timeout_header(remaining_s: float) -> dict[str, str]:
    return {} if math.isinf(remaining_s) else {TIMEOUT_HEADER: f"{max(0.0, remaining_s) * 1000:.0f}"}


def read_response(response: Response, row_count: int, url: str) -> list[RowResult]:
    """One result per row."""
    if response.status == OK:
        return read_result(response.body, row_count)
    text = read_failure(response.body)
    told = failed(f"{url} answered {response.status}{f': {text}' if text else ''}")
    if response.status in NOT_THERE:
        return [no_replica(told.detail)] * row_count
    if response.status == TOO_MANY_REQUESTS:
        return [Unanswered(DefaultReason.OVERLOADED, told.detail)] * row_count
    return [told] * row_count


def not_ready(response: Response, url: str) -> str | None:
    """Why a server that was asked whether it is ready is not; None when it is, or does not know the question."""
    if response.status in SERVER_ERRORS:
        return f"{url} answered {response.status} when it was asked whether it is ready"
    return None


def no_replica(detail: str) -> Unanswered:
    return Unanswered(DefaultReason.NO_REPLICA, failed(detail).detail)
