"""Which inputs fit which signature of an MLflow model."""

from typing import Any

import pytest

from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.mlflow_model import takes

LISTS = {"integers", "floats", "doubles"}


def _columns(*types: str) -> list[dict[str, Any]]:
    return [{"name": f"column {place}", "type": kind} for place, kind in enumerate(types)]


def _tensor(dtype: str, **more: str) -> dict[str, Any]:
    return {"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": [-1, 2]}, **more}


@pytest.mark.parametrize(
    ("signature", "allowed"),
    [
        (None, {kind.value for kind in InputType}),
        (_columns("double", "long", "boolean"), LISTS | {"json"}),
        (_columns("long", "integer"), {"integers", "json"}),
        (_columns("string"), {"strings", "json"}),
        (_columns("binary"), {"bytes", "json"}),
        (_columns("string", "double"), {"json"}),
        (_columns("datetime"), {"json"}),
        ([_tensor("float32")], LISTS | {"json"}),
        ([_tensor("uint8")], {"integers", "json"}),
        ([_tensor("str")], {"strings", "json"}),
        ([_tensor("float64", name="x")], {"json"}),
        ([_tensor("float64", name="x"), _tensor("int64", name="y")], {"json"}),
    ],
)
def test_a_signature_takes(signature: Any, allowed: set[str]) -> None:
    assert {kind.value for kind in takes(signature)} == allowed
