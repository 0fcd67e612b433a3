"""Input types, and the packed bytes that one input becomes at the edge and stays until the model sees it.

A packed row is canonical: equal inputs have equal bytes. It is what the cache digests, and a batch crosses to a
replica as rows joined end to end, so numbers are never written out as text between the edge and the model.

This module runs inside model images: standard library only.
"""

import array
import json
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from clipper_sls.errors import InvalidInputError, InvalidSettingError

FLOAT32_MAX = 3.4028234663852886e38
MAX_JSON_DEPTH = 64

if sys.byteorder != "little":  # pragma: no cover
    raise ImportError("clipper-sls packs rows in little-endian order and runs on little-endian machines only")


class InputType(StrEnum):
    """What one input of an application is. Values are Clipper's; `json` is ours."""

    INTEGERS = "integers"  # a list of 64-bit integers
    FLOATS = "floats"  # a list of 32-bit floats
    DOUBLES = "doubles"  # a list of 64-bit floats
    STRINGS = "strings"  # one string
    BYTES = "bytes"  # base64 in JSON, bytes to the model
    JSON = "json"  # any JSON value

    __hash__ = str.__hash__  # and not Enum's, which is many times slower: each query looks things up by type

    @classmethod
    def parse(cls, text: str) -> "InputType":
        """Clipper's aliases (`ints`, `d`, `str` ...) or a canonical value; anything else is an InvalidSettingError."""
        found = _ALIASES.get(text.lower())
        if found is None:
            known = ", ".join(member.value for member in cls)
            raise InvalidSettingError(f"Invalid input type {text!r}. It must be one of: {known}")
        return found

    @property
    def is_numeric(self) -> bool:
        return self in TYPECODES


TYPECODES = {InputType.INTEGERS: "q", InputType.FLOATS: "f", InputType.DOUBLES: "d"}
"""Item codes of the standard `array` module; 8, 4 and 8 bytes an item."""

_ALIASES = {
    alias: member
    for member, aliases in {
        InputType.BYTES: "bytes byte b",
        InputType.INTEGERS: "integers ints integer int i",
        InputType.FLOATS: "floats float f",
        InputType.DOUBLES: "doubles double d",
        InputType.STRINGS: "strings string str strs s",
        InputType.JSON: "json j",
    }.items()
    for alias in aliases.split()
}


def pack_numbers(input_type: InputType, values: Sequence[float]) -> bytes:
    """One numeric row, packed. `values` are ints or floats already; raises InvalidInputError when one does not fit."""
    try:
        packed = array.array(TYPECODES[input_type], values)
    except OverflowError as error:
        raise InvalidInputError(f"An integer does not fit into 64 bits ({error})") from error
    except TypeError as error:
        raise InvalidInputError(f"Array input is not of type {input_type} ({error})") from error
    if input_type is InputType.FLOATS and any(abs(value) > FLOAT32_MAX for value in values):
        raise InvalidInputError("A number does not fit into a 32-bit float; register the application as 'doubles'")
    return packed.tobytes()


def pack_json(value: Any) -> bytes:
    """One JSON row: keys sorted, no spaces, so that equal values have equal bytes."""
    if nesting_exceeds(value, MAX_JSON_DEPTH):
        raise InvalidInputError(f"JSON input is nested deeper than {MAX_JSON_DEPTH} levels")
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode()
    except ValueError as error:  # NaN, or a lone surrogate that UTF-8 cannot hold
        raise InvalidInputError(f"JSON input cannot be encoded ({error})") from error


def pack_text(value: str) -> bytes:
    """One string row in UTF-8."""
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInputError(f"A string input is not valid Unicode ({error.reason})") from error


def nesting_exceeds(value: Any, limit: int) -> bool:
    """Whether lists and objects are nested deeper than `limit`; iterative, so that depth cannot exhaust the stack."""
    level = [value]
    for _ in range(limit + 1):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True
