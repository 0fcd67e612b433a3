"""From the results of rows to the one output tensor, or to the error that says which row has none.

The protocol knows no error of a single row, so one row without an answer fails the request.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import msgspec

from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.query import DefaultReason, OutputJson, Predicted, RowResult, Unanswered
from clipper_sls.errors import ModelError, NoReplicaError, PredictionFailedError, PredictionTimeoutError
from clipper_sls.http.oip.rows import MAX_EXACT_INTEGER
from clipper_sls.http.oip.tensors import BOOL, BYTES, FP64, INT64

_ERRORS: dict[DefaultReason, tuple[type[ModelError], str]] = {
    DefaultReason.TIMED_OUT: (PredictionTimeoutError, "no answer within the latency objective"),
    DefaultReason.MODEL_FAILED: (PredictionFailedError, "the model failed"),
    DefaultReason.NO_REPLICA: (NoReplicaError, "no replica can answer"),
    DefaultReason.NO_MODEL_LINKED: (NoReplicaError, "no replica can answer"),
    DefaultReason.OVERLOADED: (NoReplicaError, "overloaded; try again later"),
}


@dataclass(frozen=True, slots=True)
class OutputTensor:
    """`values` are flat, in row-major order: numbers, booleans, or strings where the datatype is BYTES."""

    datatype: str
    shape: tuple[int, ...]
    values: Sequence[Any]


def outputs_of(model: ModelId, results: Sequence[RowResult]) -> list[OutputJson]:
    """Every row's output. Raises the ModelError of the first row that has none."""
    return [_output(model, index, len(results), result) for index, result in enumerate(results)]


def _output(model: ModelId, index: int, count: int, result: RowResult) -> OutputJson:
    if isinstance(result, Predicted):
        return result.output
    raise _error(model, f"row {index} of {count}", result)


def _error(model: ModelId, row: str, unanswered: Unanswered) -> ModelError:
    error, sentence = _ERRORS[unanswered.reason]
    detail = f": {unanswered.detail}" if unanswered.detail else ""
    return error(f"Model {model} did not answer {row}: {sentence}{detail}")


def output_tensor(outputs: Sequence[OutputJson]) -> OutputTensor:
    """Numbers and booleans, or lists of them of one length, as such; anything else as text, one element per row."""
    values = [_value(output) for output in outputs]
    flat, shape = _flattened(values)
    datatype = _datatype(flat)
    if datatype == BYTES:
        texts = [
            value if isinstance(value, str) else output.decode() for value, output in zip(values, outputs, strict=True)
        ]
        return OutputTensor(BYTES, (len(values),), texts)
    return OutputTensor(datatype, shape, [float(value) for value in flat] if datatype == FP64 else flat)


def _value(output: OutputJson) -> Any:
    """What a model may answer and we cannot read (a lone surrogate, extreme nesting) is passed on as its JSON text."""
    try:
        return msgspec.json.decode(output)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return output


def _flattened(values: list[Any]) -> tuple[list[Any], tuple[int, ...]]:
    if values and all(isinstance(value, list) for value in values):
        width = len(values[0])
        if all(len(value) == width for value in values):
            return list(chain.from_iterable(values)), (len(values), width)
    return values, (len(values),)


def _datatype(flat: list[Any]) -> str:
    """The narrowest datatype that holds every value without loss."""
    types = set(map(type, flat))
    if types == {bool}:
        return BOOL
    if not types <= {int, float}:
        return BYTES
    integers = [value for value in flat if type(value) is int]
    if types == {int}:
        return INT64 if all(-(2**63) <= value < 2**63 for value in integers) else BYTES
    return FP64 if all(abs(value) <= MAX_EXACT_INTEGER for value in integers) else BYTES
