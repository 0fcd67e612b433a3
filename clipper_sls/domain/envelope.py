"""The messages between an invoker and a model's process: a Lambda event, and a Lambda result.

    event   {"schema": 1, "input_type": "doubles", "lengths": [512, 512], "data": "<base64 of the packed rows, joined>"}
    result  {"outputs": [3, null, null], "errors": [[1, "ValueError: negative price"]],
             "unanswered": [[2, "timed_out", ""]]}

What is larger than Lambda takes or gives goes another way, by URLs that are good for a while:

    event   {..., "lengths": [10485760], "data_url": "https://..."}      GET: the packed rows, joined, not in base64
            {..., "result_url": "https://..."}                           PUT: the result, if it is too large
    result  {"stored_bytes": 10485760}                                   so much was put there

`lengths` are bytes per row. `outputs` has one entry per row; the rows named in `errors`, for which the model failed,
and in `unanswered` have `null` there. The latter is what a server with a queue adds: rows that no model was asked, or
not in time, each with a `domain.query.DefaultReason` and a detail for people. Rows travel packed (`domain.inputs`),
whatever their type, so that a batch of numbers is one base64 string and not a list of floats.
Runs inside model images: standard library only.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

from clipper_sls.domain.inputs import InputType
from clipper_sls.errors import MalformedRequestError

SCHEMA = 1

MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
"""Of an event and of a result, each as JSON: what Lambda takes and gives."""

INVOCATIONS_PATH = "/2015-03-31/functions/function/invocations"
"""Lambda's Invoke path, where its emulator and the server of a model's image take an event and answer its result."""

_BYTES_PER_LENGTH = 9  # up to 99 MB, and a comma
_BYTES_OF_THE_REST = 8192  # above all a URL with a session token in it

TIMEOUT_HEADER = "X-Clipper-Timeout-Ms"
"""How long the caller waits, in milliseconds from when the request arrives. The emulator does not look at it."""


def pack_event(input_type: InputType, rows: Sequence[bytes], result_url: str | None = None) -> bytes:
    """The event as JSON text. Nothing in it needs escaping, so it is put together by hand."""
    return b'{"schema":%d,"input_type":"%b","lengths":[%b],"data":"%b"%b}' % (
        SCHEMA,
        input_type.value.encode(),
        ",".join([str(len(row)) for row in rows]).encode(),
        base64.b64encode(b"".join(rows)),
        _member("result_url", result_url),
    )


def pack_reference(input_type: InputType, rows: Sequence[bytes], data_url: str, result_url: str | None = None) -> bytes:
    """The event for rows that can be had, joined, at `data_url`. URLs are ASCII, and need no escaping either."""
    return b'{"schema":%d,"input_type":"%b","lengths":[%b]%b%b}' % (
        SCHEMA,
        input_type.value.encode(),
        ",".join([str(len(row)) for row in rows]).encode(),
        _member("data_url", data_url),
        _member("result_url", result_url),
    )


def event_bytes(row_bytes: int, rows: int) -> int:
    """At most so many bytes has an event with all its members for so many rows of so many bytes together."""
    return 4 * (row_bytes + 2) // 3 + _BYTES_PER_LENGTH * rows + _BYTES_OF_THE_REST


def unpack_event(event: Mapping[str, Any], content: bytes | None = None) -> tuple[InputType, list[bytes]]:
    """The type and the packed rows of an event; `content` is what its `data_url` leads to.

    Raises MalformedRequestError when it is not one of ours.
    """
    try:
        if event["schema"] != SCHEMA:
            raise MalformedRequestError(f"Event schema {event['schema']!r} is not {SCHEMA}")
        if content is None:
            content = binascii.a2b_base64(event["data"], strict_mode=True)  # many times faster than base64.b64decode
        bounds = [0, *accumulate(event["lengths"])]
        if bounds[-1] != len(content) or bounds != sorted(bounds):
            raise MalformedRequestError(f"The event's rows have {bounds[-1]} bytes, its data {len(content)}")
        return InputType(event["input_type"]), [content[start:end] for start, end in pairwise(bounds)]
    except KeyError as error:
        raise MalformedRequestError(f"Not a clipper-sls event: it has no {error}") from error
    except (TypeError, ValueError) as error:
        raise MalformedRequestError(f"Not a clipper-sls event: {error}") from error


def _member(name: str, text: str | None) -> bytes:
    return b"" if text is None else b',"%b":"%b"' % (name.encode(), text.encode())
