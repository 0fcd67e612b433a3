"""Packed rows, as they arrive, become what the user's function takes, as Clipper handed it over."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clipper_sls.domain.inputs import TYPECODES, InputType


def unpack(input_type: InputType, rows: Sequence[bytes]) -> Any:
    """The argument of the user's function for `rows`, made anew and writable, so that no call can spoil another.

    Numeric rows of one length are a 2-D array, of several lengths a list of 1-D arrays; strings, bytes and JSON values
    are lists.
    """
    match input_type:
        case InputType.STRINGS:
            return [row.decode() for row in rows]
        case InputType.BYTES:
            return list(rows)
        case InputType.JSON:
            return [json.loads(row) for row in rows]
        case _:
            return _numbers(np.dtype(TYPECODES[input_type]), rows)


def _numbers(dtype: np.dtype[Any], rows: Sequence[bytes]) -> NDArray[Any] | list[NDArray[Any]]:
    lengths = {len(row) for row in rows}
    if len(lengths) != 1:
        return [np.frombuffer(bytearray(row), dtype) for row in rows]
    return np.frombuffer(bytearray(b"".join(rows)), dtype).reshape(len(rows), lengths.pop() // dtype.itemsize)
