"""What a replica, or a model's server, answered for a batch, read into one result per row.

Pure; never raises for what it reads.
"""

from typing import Any

import msgspec

from clipper_sls.domain.identifiers import shortened
from clipper_sls.domain.query import DefaultReason, OutputJson, Predicted, RowResult, Unanswered

MAX_DETAIL_CHARACTERS = 500


class _Result(msgspec.Struct):
    outputs: list[msgspec.Raw]
    errors: list[tuple[int, str]] = []
    unanswered: list[tuple[int, DefaultReason, str]] = []  # of a model server: rows that no replica has seen to its end


class _Failure(msgspec.Struct):
    error_type: Any = msgspec.field(name="errorType", default="")
    error_message: Any = msgspec.field(name="errorMessage", default="")


class _Stored(msgspec.Struct):
    stored_bytes: int


_decode_result = msgspec.json.Decoder(_Result).decode
_decode_failure = msgspec.json.Decoder(_Failure).decode
_decode_stored = msgspec.json.Decoder(_Stored).decode
_LONGEST_STORED = 64
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def read_result(body: bytes, count: int) -> list[RowResult]:
    """One result per row of a batch of `count` rows; a body that is not a result fails all of them."""
    try:
        result = _decode_result(body)
    except _UNREADABLE as error:
        return [failed(_told(body) or f"the replica answered what is not a result: {error}")] * count
    if len(result.outputs) != count:
        return [failed(f"the replica answered {len(result.outputs)} outputs for {count} inputs")] * count
    rows: list[RowResult] = [Predicted(OutputJson(bytes(output))) for output in result.outputs]
    without = [(index, failed(text)) for index, text in result.errors]
    without += [(index, _unanswered(reason, text)) for index, reason, text in result.unanswered]
    for index, unanswered in without:
        if not 0 <= index < count:
            return [failed(f"the replica reported an error for row {index} of {count}")] * count
        rows[index] = unanswered
    return rows


def read_stored(body: bytes) -> int | None:
    """How many bytes of result were put where the event said; None when `body` is the result itself."""
    if len(body) > _LONGEST_STORED:
        return None
    try:
        return _decode_stored(body).stored_bytes
    except _UNREADABLE:
        return None


def read_failure(body: bytes) -> str:
    """A Lambda error as `errorType: errorMessage`; what is not one is shown as it is."""
    try:
        failure = _decode_failure(body)
    except _UNREADABLE:
        return shortened(body[: 4 * MAX_DETAIL_CHARACTERS].decode(errors="replace"), MAX_DETAIL_CHARACTERS)
    return ": ".join(str(part) for part in (failure.error_type, failure.error_message) if part)


def failed(detail: str) -> Unanswered:
    return _unanswered(DefaultReason.MODEL_FAILED, detail)


def _unanswered(reason: DefaultReason, detail: str) -> Unanswered:
    return Unanswered(reason, shortened(detail, MAX_DETAIL_CHARACTERS))


def _told(body: bytes) -> str:
    """The text of a Lambda error that came in place of a result, as from the Lambda emulator; empty if it is none."""
    try:
        is_failure = bool(_decode_failure(body).error_type)
    except _UNREADABLE:
        return ""
    return read_failure(body) if is_failure else ""
