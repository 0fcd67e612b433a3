"""Rows of numbers in the shape of a signature, and what a model returned as one output a row."""

from typing import Any

import numpy as np
import pytest

from clipper_sls.runtime.mlflow_model import as_rows, numbers
from clipper_sls.runtime.outputs import OutputError

COLUMNS = [{"name": "a", "type": "double"}, {"name": "b", "type": "long"}]


def test_a_tensor_gets_its_shape_and_its_type() -> None:
    spec: Any = [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2, 2]}}]
    shaped = numbers(np.arange(8.0).reshape(2, 4), spec)
    assert (shaped.shape, shaped.dtype) == ((2, 2, 2), np.dtype("float32"))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.array([[1.0, 2.5]]), "'b' of the model's signature takes whole numbers only"),
        (np.array([[1.0]]), "An input has 1 values, and the model's signature 2 columns"),
        ([np.array([1.0]), np.array([1.0, 2.0])], "must have equal lengths"),
    ],
)
def test_numbers_that_do_not_fit_the_columns_are_refused(inputs: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        numbers(inputs, COLUMNS)


def test_without_a_signature_rows_stay_as_they_are() -> None:
    rows = np.array([[1.0, 2.5]])
    assert numbers(rows, None) is rows


def test_named_outputs_become_one_object_a_row() -> None:
    assert as_rows({"a": np.array([1, 2]), "b": ["x", "y"]}, 2) == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    with pytest.raises(OutputError, match="Expected model to return 3 values of each output"):
        as_rows({"a": [1, 2]}, 3)
    assert as_rows([1, 2], 2) == [1, 2]
