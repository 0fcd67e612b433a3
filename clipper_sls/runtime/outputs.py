"""What the user's function returned becomes values that JSON can hold, exactly, or an error that says why not."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

MAX_DEPTH = 64
MAX_INTEGER_BITS = 1_024
"""Larger ones are no numbers to most readers of JSON, and Python refuses to write the largest."""


class OutputError(Exception):
    """The function answered something that is not an answer. Never leaves the runtime."""


def as_list(returned: Any, rows: int) -> Sequence[Any]:
    """The outputs for `rows` inputs: from a list, a tuple, or whatever has `tolist`, an array or a Series for one."""
    outputs: Any = returned
    if isinstance(returned, np.ndarray) and returned.ndim:
        outputs = list(returned)
    elif not isinstance(returned, list | tuple) and _has_tolist(returned):
        outputs = returned.tolist()
    if not isinstance(outputs, list | tuple):
        raise OutputError(f"Model did not return a list. Found {type(returned).__name__}")
    if len(outputs) != rows:
        raise OutputError(f"Expected model to return {rows} outputs, found {len(outputs)} outputs")
    return outputs


def to_json_value(value: Any, depth: int = 0) -> Any:
    """`value` in JSON's own types; raises OutputError when JSON cannot hold it."""
    if depth > MAX_DEPTH:
        raise OutputError(f"Output is nested deeper than {MAX_DEPTH} levels")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, dict):
        return {_key(key): to_json_value(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json_value(item, depth + 1) for item in value]
    return _from_array(value, depth)


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise OutputError(f"Output is a string that is not valid Unicode ({error.reason})") from error
    return str.__str__(value)


def _integer(value: int) -> int:
    if value.bit_length() > MAX_INTEGER_BITS:
        raise OutputError(f"Output is or holds an integer of {value.bit_length()} bits; return it as a string")
    return int(value)


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise OutputError(f"Output is or holds {float(value)}, which JSON cannot hold; return None or a string instead")
    return float(value)


def _key(key: Any) -> str:
    if isinstance(key, str):
        return _text(key)
    if isinstance(key, int | np.integer) and not isinstance(key, bool):
        return str(int(key))
    raise OutputError(f"Output has a key of type {type(key).__name__}; JSON keys are strings")


def _from_array(value: Any, depth: int) -> Any:
    """Arrays and scalars of numpy, and of all who took over its `tolist`: pandas, torch."""
    plain = value.tolist() if _has_tolist(value) else value
    if type(plain) is type(value):  # numpy too gives back what it got where Python has no type for it
        raise OutputError(f"Output is or holds a {type(value).__name__}, which JSON cannot hold; return plain values")
    if isinstance(value, np.ndarray) and _holds_only_json_numbers(value) and value.ndim:
        return plain
    return to_json_value(plain, depth + 1)


def _has_tolist(value: Any) -> bool:
    return hasattr(value, "tolist") and not isinstance(value, type)


def _holds_only_json_numbers(array: "np.ndarray[Any, Any]") -> bool:
    return array.dtype.kind in "biu" or (array.dtype.kind == "f" and bool(np.isfinite(array).all()))
