"""Rows and results that are too large for Lambda: a model's function gets and puts them by the URLs in its event.

The URLs are presigned, so the function needs no rights of its own, and nothing but the standard library.
"""

import json
from collections.abc import Mapping
from typing import Any

from clipper_sls.domain.envelope import MAX_PAYLOAD_BYTES
from clipper_sls.domain.storage_url import is_storage_url
from clipper_sls.errors import MalformedRequestError

Event = Mapping[str, Any]
Environment = Mapping[str, str]


def fetched_rows(event: Event, environment: Environment) -> bytes | None:
    """The joined rows that the event refers to; None when they are in it.

    Raises MalformedRequestError when the URL does not lead to S3, StoreUnavailableError when it cannot be followed.
    """
    if "data_url" not in event:
        return None
    expected = sum(event.get("lengths", ()))
    return _ask("GET", event["data_url"], environment, None, expected + 1)


def fitting(result: dict[str, Any], event: Event, environment: Environment) -> dict[str, Any]:
    """`result`, or if it is too large and the event says where to put it, how many bytes were put there.

    Raises as `fetched_rows`.
    """
    if "result_url" not in event:
        return result  # if it is too large, Lambda says so
    content = json.dumps(result).encode()  # as Lambda's runtime does it, so that the size is the same
    if len(content) <= MAX_PAYLOAD_BYTES:
        return result
    _ask("PUT", event["result_url"], environment, content, 1)
    return {"stored_bytes": len(content)}


def _ask(method: str, url: Any, environment: Environment, content: bytes | None, most_bytes: int) -> bytes:
    if not is_storage_url(url, environment):
        raise MalformedRequestError("A URL in the event does not lead to S3, and is not followed")
    from clipper_sls.runtime.storage_http import ask_storage  # takes a replica 20 ms to import, and few need it

    return ask_storage(method, url, content, most_bytes)
