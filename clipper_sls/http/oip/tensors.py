"""Tensors of the protocol: their datatypes, and reading their content from JSON or from bytes.

Content is checked against the declared datatype and shape here; what a model makes of it stands in `rows`.
"""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from clipper_sls.errors import InvalidInputError

BYTES = "BYTES"
BOOL = "BOOL"
FP64 = "FP64"
INT64 = "INT64"

NUMPY_TYPES: dict[str, np.dtype[Any]] = {
    BOOL: np.dtype("?"),
    **{f"INT{bits}": np.dtype(f"<i{bits // 8}") for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": np.dtype(f"<u{bits // 8}") for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": np.dtype(f"<f{bits // 8}") for bits in (16, 32, 64)},
}
DATATYPES = (*NUMPY_TYPES, BYTES)
MAX_RANK = 2

_LENGTH = struct.Struct("<I")
_PYTHON_TYPES: dict[str, Any] = {"b": list[bool], "i": list[int], "u": list[int], "f": list[float]}


@dataclass(frozen=True, slots=True)
class NumericTensor:
    """`values` are in row-major order, in one dimension; there are as many as `shape` says."""

    datatype: str
    shape: tuple[int, ...]
    values: NDArray[Any]


@dataclass(frozen=True, slots=True)
class BytesTensor:
    """Strings of bytes in row-major order, as many as `shape` says."""

    shape: tuple[int, ...]
    elements: Sequence[bytes]


Tensor = NumericTensor | BytesTensor


def check_declared(datatype: str, shape: Sequence[int]) -> None:
    """Raises InvalidInputError unless there can be a tensor like that."""
    if datatype not in DATATYPES:
        raise InvalidInputError(f"Datatype {datatype!r} is not supported; send one of: {', '.join(DATATYPES)}")
    if not 1 <= len(shape) <= MAX_RANK or min(shape) < 0:
        raise InvalidInputError(
            f"Shape {list(shape)[:8]} is not supported; send [rows, columns], or [columns] of a row"
        )


def tensor_from_json(datatype: str, shape: Sequence[int], content: bytes) -> Tensor:
    """Read `data`, flat or nested. Raises InvalidInputError when it is not what datatype and shape say."""
    check_declared(datatype, shape)
    flat = _flattened(_parsed(content), shape)
    _check_count(len(flat), shape)
    if datatype == BYTES:
        texts: list[str] = _converted(flat, list[str], datatype)
        return BytesTensor(tuple(shape), [text.encode() for text in texts])
    dtype = NUMPY_TYPES[datatype]
    values = _converted(flat, _PYTHON_TYPES[dtype.kind], datatype)
    _check_range(values, dtype, datatype)
    return NumericTensor(datatype, tuple(shape), np.array(values, dtype=dtype))


def tensor_from_binary(datatype: str, shape: Sequence[int], content: bytes) -> Tensor:
    """Read little-endian values end to end, or strings each after its length in four bytes."""
    check_declared(datatype, shape)
    if datatype == BYTES:
        elements = _length_prefixed(content)
        _check_count(len(elements), shape)
        return BytesTensor(tuple(shape), elements)
    dtype = NUMPY_TYPES[datatype]
    if len(content) != math.prod(shape) * dtype.itemsize:
        raise InvalidInputError(
            f"{len(content)} bytes of binary data are not a tensor of {datatype} with shape {list(shape)}, which has "
            f"{math.prod(shape) * dtype.itemsize} bytes"
        )
    return NumericTensor(datatype, tuple(shape), np.frombuffer(content, dtype=dtype))


def binary_of(datatype: str, values: Sequence[Any]) -> bytes:
    """The inverse of `tensor_from_binary`; `values` are numbers, or strings where the datatype is BYTES."""
    if datatype != BYTES:
        return np.array(values, dtype=NUMPY_TYPES[datatype]).tobytes()
    encoded = [value.encode() for value in values]
    return b"".join(_LENGTH.pack(len(element)) + element for element in encoded)


def _parsed(content: bytes) -> list[Any]:
    try:
        value = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidInputError(f"The tensor's data cannot be read: {error}") from error
    if not isinstance(value, list):
        raise InvalidInputError("The tensor's data is not an array")
    return value


def _flattened(values: list[Any], shape: Sequence[int]) -> list[Any]:
    """`values` as one list; when nested, the lists must have the lengths that `shape` says."""
    if not values or not isinstance(values[0], list):
        return values
    if len(shape) == 1 or len(values) != shape[0]:
        raise InvalidInputError(f"The nested data does not have shape {list(shape)}")
    for index, row in enumerate(values):
        if not isinstance(row, list) or len(row) != shape[1]:
            raise InvalidInputError(f"Row {index} of the nested data does not have {shape[1]} columns")
    return list(chain.from_iterable(values))


def _converted(flat: list[Any], python_type: Any, datatype: str) -> Any:
    try:
        return msgspec.convert(flat, python_type)
    except (msgspec.ValidationError, OverflowError) as error:
        raise InvalidInputError(f"The data is not of datatype {datatype}: {error}") from error


def _check_count(found: int, shape: Sequence[int]) -> None:
    if found != math.prod(shape):
        raise InvalidInputError(f"The data has {found} elements; shape {list(shape)} has {math.prod(shape)}")


def _check_range(values: list[Any], dtype: np.dtype[Any], datatype: str) -> None:
    if not values or dtype.kind == "b":
        return
    limits: Any = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    if min(values) < int(limits.min) or max(values) > int(limits.max):
        raise InvalidInputError(f"A number in the data is out of the range of {datatype}")


def _length_prefixed(content: bytes) -> list[bytes]:
    elements, position = [], 0
    while position < len(content):
        start = position + _LENGTH.size
        if start > len(content):
            raise InvalidInputError("The binary data ends within the length of a string")
        position = start + _LENGTH.unpack_from(content, start - _LENGTH.size)[0]
        if position > len(content):
            raise InvalidInputError("The binary data ends within a string")
        elements.append(content[start:position])
    return elements
