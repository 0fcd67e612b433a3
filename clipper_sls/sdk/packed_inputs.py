"""Inputs as a user has them in Python, as the packed rows that the engine would make of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.query import PackedRow
from clipper_sls.errors import InvalidInputError, MalformedRequestError
from clipper_sls.http.decode import decode_predict

SHOWN_CHARACTERS = 80


def plain(value: Any) -> Any:
    """numpy arrays and scalars as lists and numbers; NotImplementedError for whatever else JSON does not have."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise NotImplementedError


def packed_warm_up(input_type: str, inputs: Sequence[Any] | None) -> tuple[PackedRow, ...]:
    """Each of `inputs` packed. Raises InvalidInputError naming the first that is not of the type."""
    if inputs is None:
        return ()
    if isinstance(inputs, str | bytes | Mapping):
        raise InvalidInputError(f"warm_up_inputs is a list of inputs, not a {type(inputs).__name__}")
    kind = InputType.parse(input_type)
    return tuple(_packed(kind, value, f"warm_up_inputs[{index}]") for index, value in enumerate(inputs))


def _packed(kind: InputType, value: Any, name: str) -> PackedRow:
    try:
        body = msgspec.json.encode({"input": value}, enc_hook=plain)
        return decode_predict(kind, body, max_batch_rows=1).rows[0]
    except (InvalidInputError, MalformedRequestError, NotImplementedError, TypeError, ValueError) as error:
        shown = f"{value!r}"[:SHOWN_CHARACTERS]
        raise InvalidInputError(f"{name} is not an input of type {kind}: {shown}") from error
