"""From the bytes of a predict or update body to packed rows, with one typed decoder per input type."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from clipper_sls.domain.inputs import InputType, pack_json, pack_numbers, pack_text
from clipper_sls.domain.query import PackedRow
from clipper_sls.errors import InvalidInputError, MalformedRequestError, RequestTooLargeError

PREDICT_SCHEMA = '{"input" := X} or {"input_batch" := [X]}, optionally "version" := string'
UPDATE_SCHEMA = '{"uid" := int, "input" := X, "label" := double}'

T = TypeVar("T")


class _PredictBody(msgspec.Struct, Generic[T]):
    input: T | msgspec.UnsetType = msgspec.UNSET
    input_batch: list[T] | msgspec.UnsetType = msgspec.UNSET
    version: str | int | None = None


class _UpdateBody(msgspec.Struct, Generic[T]):
    input: T
    label: float
    uid: int = 0


class _UpdateInput(msgspec.Struct):
    input: msgspec.Raw


_PYTHON_TYPES: dict[InputType, Any] = {
    InputType.INTEGERS: list[int],
    InputType.FLOATS: list[float],
    InputType.DOUBLES: list[float],
    InputType.STRINGS: str,
    InputType.BYTES: bytes,
    InputType.JSON: Any,
}


def _decoders(body: Any) -> dict[InputType, msgspec.json.Decoder[Any]]:
    return {kind: msgspec.json.Decoder(body[python]) for kind, python in _PYTHON_TYPES.items()}


_PREDICT = _decoders(_PredictBody)
_UPDATE = _decoders(_UpdateBody)
_UPDATE_INPUT = msgspec.json.Decoder(_UpdateInput)


class PredictBody(msgspec.Struct, frozen=True, gc=False):
    """A decoded predict request; `is_batch` when it came as `input_batch`, whatever its length."""

    rows: Sequence[PackedRow]
    is_batch: bool
    version: str | None


@dataclass(frozen=True, slots=True)
class UpdateBody:
    """A decoded update request; `input_json` is the input as the caller wrote it."""

    user_id: int
    input_json: bytes
    label: float


def decode_predict(input_type: InputType, body: bytes, max_batch_rows: int) -> PredictBody:
    """Raises MalformedRequestError, InvalidInputError or RequestTooLargeError."""
    decoded: _PredictBody[Any] = _decoded(_PREDICT[input_type].decode, body, input_type, PREDICT_SCHEMA)
    version = None if decoded.version is None else str(decoded.version)
    if decoded.input is not msgspec.UNSET:
        return PredictBody((_packed(input_type, decoded.input, "$.input"),), is_batch=False, version=version)
    if decoded.input_batch is msgspec.UNSET:
        raise _malformed("JSON object does not have required keys input or input_batch", PREDICT_SCHEMA)
    if len(decoded.input_batch) > max_batch_rows:
        raise RequestTooLargeError(
            f"input_batch has {len(decoded.input_batch)} rows; at most {max_batch_rows} are taken at once"
        )
    rows = [_packed(input_type, row, f"$.input_batch[{index}]") for index, row in enumerate(decoded.input_batch)]
    return PredictBody(rows, is_batch=True, version=version)


def decode_update(input_type: InputType, body: bytes) -> UpdateBody:
    """Raises MalformedRequestError or InvalidInputError."""
    decoded: _UpdateBody[Any] = _decoded(_UPDATE[input_type].decode, body, input_type, UPDATE_SCHEMA)
    _packed(input_type, decoded.input, "$.input")
    if not -(2**63) <= decoded.uid < 2**63:
        raise _malformed("uid does not fit into 64 bits", UPDATE_SCHEMA)
    return UpdateBody(decoded.uid, bytes(_UPDATE_INPUT.decode(body).input), decoded.label)


def _decoded(decode: Callable[[bytes], T], body: bytes, input_type: InputType, schema: str) -> T:
    try:
        return decode(body)
    except msgspec.ValidationError as error:
        text = str(error)
        if "`$.input" not in text:
            raise _malformed(text, schema) from error
        raise InvalidInputError(_json_error(f"Input is not of type {input_type}: {text}", schema)) from error
    except msgspec.DecodeError as error:
        raise _malformed(f"JSON parse error: {error}", schema) from error
    except UnicodeDecodeError as error:
        raise _malformed(f"JSON parse error: not UTF-8 at offset {error.start}", schema) from error
    except RecursionError as error:
        raise _malformed("JSON parse error: nested too deeply", schema) from error


def _packed(input_type: InputType, value: Any, path: str) -> PackedRow:
    try:
        if input_type.is_numeric:
            return pack_numbers(input_type, value)
        if input_type is InputType.STRINGS:
            return pack_text(value)
        return value if input_type is InputType.BYTES else pack_json(value)
    except InvalidInputError as error:
        raise InvalidInputError(_json_error(f"{error.msg} - at `{path}`", PREDICT_SCHEMA)) from error


def _malformed(problem: str, schema: str) -> MalformedRequestError:
    return MalformedRequestError(_json_error(problem, schema))


def _json_error(problem: str, schema: str) -> str:
    """Clipper's frame around a problem with a body."""
    return f"Error parsing JSON: {problem}. Expected JSON schema: {schema}"
