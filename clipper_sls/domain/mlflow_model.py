"""What the runtime is told of an MLflow model directory, and which inputs such a model takes.

Standard library only: runs inside model images. A signature is what MLflow has in its MLmodel file: a list of columns,
`{"name": "age", "type": "long"}`, or of tensors, `{"type": "tensor", "tensor-spec": {"dtype": ..., "shape": [-1, 4]}}`.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypedDict

from clipper_sls.domain.inputs import InputType

FRACTIONS = {"float": "float32", "double": "float64"}
WHOLE = {"integer": "int32", "long": "int64"}
NUMBERS = {**WHOLE, **FRACTIONS, "boolean": "bool"}
"""Types of columns that a row of numbers can fill, and what they are to numpy."""

TENSOR = "tensor"
_LISTS = frozenset((InputType.INTEGERS, InputType.FLOATS, InputType.DOUBLES))


class MlflowLoader(StrEnum):
    """Who makes the function of an MLflow model directory."""

    PYFUNC = "pyfunc"  # MLflow itself, whatever the flavor
    ONNX = "onnx"  # these need no MLflow, and read their files without running code in them
    XGBOOST = "xgboost"
    SKOPS = "skops"


class ServedAs(TypedDict):
    """How a model directory is served; plain JSON."""

    loader: str  # a MlflowLoader
    signature: list[dict[str, Any]] | None  # as in MLmodel
    is_from_type_hint: bool  # a Python model that takes the rows as they are
    file: str  # what a loader other than PYFUNC reads, relative to the directory
    model_class: str  # XGBOOST: "xgboost.core.Booster"
    method: str  # SKOPS: "predict"
    trusted: list[str]  # SKOPS: names of classes beyond those that skops trusts by itself


def takes(signature: Sequence[Mapping[str, Any]] | None) -> frozenset[InputType]:
    """The input types whose rows can fill `signature`; any JSON value may."""
    if signature is None:
        return frozenset(InputType)
    return frozenset({InputType.JSON, *(_takes_tensor(signature) if is_tensors(signature) else _takes(signature))})


def is_tensors(signature: Sequence[Mapping[str, Any]]) -> bool:
    return any(part["type"] == TENSOR for part in signature)


def _takes_tensor(signature: Sequence[Mapping[str, Any]]) -> frozenset[InputType]:
    """Only one tensor without a name is what a row alone can be."""
    if len(signature) != 1 or "name" in signature[0]:
        return frozenset()
    dtype = signature[0]["tensor-spec"]["dtype"]
    if dtype in ("str", "object"):
        return frozenset((InputType.STRINGS,))
    return _LISTS if dtype.startswith("float") else frozenset((InputType.INTEGERS,))


def _takes(signature: Sequence[Mapping[str, Any]]) -> frozenset[InputType]:
    types = [part["type"] for part in signature]
    if types in (["string"], ["binary"]):
        return frozenset((InputType.STRINGS if types == ["string"] else InputType.BYTES,))
    if not all(kind in NUMBERS for kind in types):
        return frozenset()
    return _LISTS if any(kind in FRACTIONS for kind in types) else frozenset((InputType.INTEGERS,))
