"""From an input tensor to a model's packed rows.

A row reaches the model exactly as the tensor's values say, or not at all: a value that the model's type cannot hold is
refused. One exception: 64-bit floats for a model of `floats` are rounded to 32 bits, as everywhere else, because hardly
any of them could be held otherwise.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from clipper_sls.domain.inputs import FLOAT32_MAX, TYPECODES, InputType, pack_json
from clipper_sls.domain.query import PackedRow
from clipper_sls.errors import InvalidInputError, RequestTooLargeError
from clipper_sls.http.oip.tensors import BytesTensor, NumericTensor, Tensor

MAX_EXACT_INTEGER = 2**53
"""Every integer up to this one is a double."""

DATATYPE_OF: dict[InputType, str] = {
    InputType.INTEGERS: "INT64",
    InputType.FLOATS: "FP32",
    InputType.DOUBLES: "FP64",
    InputType.STRINGS: "BYTES",
    InputType.BYTES: "BYTES",
    InputType.JSON: "BYTES",
}
"""What a model's metadata says that it takes."""


def packed_rows(tensor: Tensor, input_type: InputType, *, is_base64: bool, max_rows: int) -> list[PackedRow]:
    """One packed row for each row of the tensor.

    `is_base64`: elements of a BYTES tensor stand for what they decode to. Raises InvalidInputError, or
    RequestTooLargeError when there are more than `max_rows`.
    """
    if isinstance(tensor, BytesTensor):
        return _rows_of_bytes(tensor, input_type, is_base64, max_rows)
    count, width = (1, tensor.shape[0]) if len(tensor.shape) == 1 else (tensor.shape[0], tensor.shape[1])
    _check_count(count, max_rows)
    if input_type is InputType.JSON:
        numbers = tensor.values.tolist()
        return [pack_json(numbers[index * width : (index + 1) * width]) for index in range(count)]
    if not input_type.is_numeric:
        raise InvalidInputError(
            f"The model takes {input_type}; send a tensor of datatype BYTES instead of {tensor.datatype}"
        )
    packed = _as_model_type(tensor, input_type)
    row_bytes = width * packed.itemsize
    content = packed.tobytes()
    return [content[index * row_bytes : (index + 1) * row_bytes] for index in range(count)]


def _check_count(count: int, max_rows: int) -> None:
    if count > max_rows:
        raise RequestTooLargeError(f"The tensor has {count} rows; at most {max_rows} are taken at once")


def _as_model_type(tensor: NumericTensor, input_type: InputType) -> NDArray[Any]:
    wanted = np.dtype(f"<{TYPECODES[input_type]}")
    values = tensor.values
    if values.size and not _fits(values, input_type):
        raise InvalidInputError(
            f"The model takes {input_type}, and a value of the {tensor.datatype} tensor cannot be one without loss; "
            f"send datatype {DATATYPE_OF[input_type]}"
        )
    return values.astype(wanted)


def _fits(values: NDArray[Any], input_type: InputType) -> bool:
    kind = values.dtype.kind
    if input_type is InputType.INTEGERS and kind == "f":
        return bool(np.all((values >= -(2.0**63)) & (values < 2.0**63) & (np.trunc(values) == values)))
    if input_type is InputType.INTEGERS and kind == "u":
        return int(values.max()) < 2**63
    if input_type is InputType.DOUBLES and kind in "iu":
        return max(int(values.max()), -int(values.min())) <= MAX_EXACT_INTEGER
    if input_type is InputType.FLOATS and kind == "f":
        return not bool(np.any(np.isfinite(values) & (np.abs(values) > FLOAT32_MAX)))
    return True


def _rows_of_bytes(tensor: BytesTensor, input_type: InputType, is_base64: bool, max_rows: int) -> list[PackedRow]:
    if input_type.is_numeric:
        wanted = DATATYPE_OF[input_type]
        raise InvalidInputError(f"The model takes {input_type}; send a tensor of datatype {wanted} instead of BYTES")
    if tensor.shape[1:] not in ((), (1,)):
        raise InvalidInputError(f"A BYTES tensor has one element per row: shape [n] or [n, 1], not {[*tensor.shape]}")
    _check_count(len(tensor.elements), max_rows)
    elements = [_unwrapped(element) for element in tensor.elements] if is_base64 else tensor.elements
    if input_type is InputType.JSON:
        return [_json_row(index, element) for index, element in enumerate(elements)]
    if input_type is InputType.STRINGS:
        _check_text(elements)
    return list(elements)


def _unwrapped(element: bytes) -> bytes:
    try:
        return base64.b64decode(element, validate=True)
    except binascii.Error as error:
        raise InvalidInputError(f"An element of the tensor is not base64 ({error})") from error


def _json_row(index: int, element: bytes) -> PackedRow:
    try:
        return pack_json(msgspec.json.decode(element))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInputError(f"The model takes JSON, and element {index} of the tensor is none ({error})") from error


def _check_text(elements: Sequence[bytes]) -> None:
    for index, element in enumerate(elements):
        try:
            element.decode()
        except UnicodeDecodeError as error:
            raise InvalidInputError(f"Element {index} of the tensor is not UTF-8 ({error.reason})") from error
