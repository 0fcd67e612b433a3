"""From the fields of a row, or a line of JSON, to one input of an application."""

import base64
import binascii
import math
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from clipper_sls.domain.inputs import InputType, pack_numbers, pack_text
from clipper_sls.errors import InvalidInputError

SHOWN_CHARACTERS = 60

_encode = msgspec.json.Encoder().encode


class _Line(msgspec.Struct):
    input: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_CHECKS: dict[InputType, msgspec.json.Decoder[Any]] = {
    InputType.INTEGERS: msgspec.json.Decoder(list[int]),
    InputType.FLOATS: msgspec.json.Decoder(list[float]),
    InputType.DOUBLES: msgspec.json.Decoder(list[float]),
    InputType.STRINGS: msgspec.json.Decoder(str),
    InputType.BYTES: msgspec.json.Decoder(bytes),
    InputType.JSON: msgspec.json.Decoder(Any),
}
_LINE = msgspec.json.Decoder(_Line)


def input_of_line(kind: InputType, line: bytes) -> bytes:
    """The input in a line of JSON: the value itself, or what an object has as `input`. Raises InvalidInputError."""
    try:
        raw: Any = _LINE.decode(line).input if line.lstrip().startswith(b"{") else msgspec.UNSET
        found = line if raw is msgspec.UNSET else bytes(raw)
        value = _CHECKS[kind].decode(found)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInputError(f"not an input of type {kind}: {error}") from error
    if kind.is_numeric:
        pack_numbers(kind, value)  # the range of each
    return found


def input_of_fields(kind: InputType, names: Sequence[str], values: Sequence[Any]) -> bytes:
    """The input that the fields `names` make. Text stands for a number where a number is wanted, and is refused when
    it is none; a list stands for itself. Raises InvalidInputError naming the field.
    """
    if kind.is_numeric:
        return _numbers(kind, names, values)
    if kind is InputType.JSON:
        return _json(names, values)
    if len(values) != 1:
        raise InvalidInputError(f"an input of type {kind} is one column, and these are {len(values)}: {_few(names)}")
    return _text(names[0], values[0]) if kind is InputType.STRINGS else _bytes(names[0], values[0])


def _numbers(kind: InputType, names: Sequence[str], values: Sequence[Any]) -> bytes:
    if len(values) == 1 and isinstance(values[0], list | tuple):
        names, values = [names[0]] * len(values[0]), values[0]
    number = _integer if kind is InputType.INTEGERS else _float
    numbers = [number(name, value) for name, value in zip(names, values, strict=True)]
    pack_numbers(kind, numbers)
    return _encode(numbers)


def _float(name: str, value: Any) -> float:
    number = _converted(float, name, value)
    if not math.isfinite(number):
        raise _not(name, value, "a finite number")
    return number


def _integer(name: str, value: Any) -> int:
    """A whole number, also written as `3.0`, which is how pandas writes a column with gaps."""
    if isinstance(value, str) and value.strip().lstrip("+-").isdecimal():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    number = _converted(float, name, value)
    if not number.is_integer():
        raise _not(name, value, "a whole number")
    return int(number)


def _converted(convert: Callable[[Any], float], name: str, value: Any) -> float:
    if value is None or value == "":
        raise InvalidInputError(f"column '{name}' is empty")
    if isinstance(value, str) and "_" in value:  # Python's own way to write numbers, and nobody else's
        raise _not(name, value, "a number")
    try:
        return convert(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise _not(name, value, "a number") from error


def _text(name: str, value: Any) -> bytes:
    if not isinstance(value, str):
        raise _not(name, value, "text")
    pack_text(value)
    return _encode(value)


def _bytes(name: str, value: Any) -> bytes:
    try:
        content = base64.b64decode(value, validate=True) if isinstance(value, str) else memoryview(value)
        return _encode(content)
    except (TypeError, ValueError, binascii.Error) as error:
        raise _not(name, value, "base64") from error


def _json(names: Sequence[str], values: Sequence[Any]) -> bytes:
    """One column is the value, several are an object."""
    try:
        if len(names) == 1:
            return _encode(_value(values[0]))
        return _encode({name: _value(value) for name, value in zip(names, values, strict=True)})
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"the columns {_few(names)} cannot be JSON: {error}") from error


def _value(value: Any) -> Any:
    """Text that is JSON is what it says, other text is itself, and none is null."""
    if not isinstance(value, str):
        return value
    if value == "":
        return None
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        pack_text(value)
        return value


def _not(name: str, value: Any, wanted: str) -> InvalidInputError:
    return InvalidInputError(f"column '{name}' is not {wanted}: {f'{value!r}'[:SHOWN_CHARACTERS]}")


def _few(names: Sequence[str]) -> str:
    return ", ".join(names)[:SHOWN_CHARACTERS]
