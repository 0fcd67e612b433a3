"""The function of an MLflow model directory: rows in, one output for each row out.

Inputs become what `mlflow models serve` would make of them: a DataFrame with the columns of the model's signature, a
tensor, or without a signature the rows as they are. MLflow is imported only where a model needs it.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clipper_sls.domain.mlflow_model import NUMBERS, WHOLE, MlflowLoader, ServedAs, is_tensors
from clipper_sls.domain.weights import MLFLOW_FOLDER, MLFLOW_SERVED_AS_FILE
from clipper_sls.runtime.mlflow_native import native_model
from clipper_sls.runtime.outputs import OutputError


def load_mlflow_model(folder: Path) -> Callable[[Any], Any]:
    """Raises whatever loading the model raises, ModuleNotFoundError among it."""
    served_as: ServedAs = json.loads((folder / MLFLOW_SERVED_AS_FILE).read_bytes())
    directory = folder / MLFLOW_FOLDER
    if served_as["loader"] == MlflowLoader.PYFUNC:
        return _pyfunc(directory, served_as)
    predict = native_model(directory, served_as)
    return lambda inputs: as_rows(predict(numbers(inputs, served_as["signature"])), len(inputs))


def _pyfunc(directory: Path, served_as: ServedAs) -> Callable[[Any], Any]:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # a replica calls nobody
    import mlflow.pyfunc

    model = mlflow.pyfunc.load_model(str(directory))
    schema = model.metadata.get_input_schema()

    def predict(inputs: Any) -> Any:
        return as_rows(model.predict(_argument(inputs, served_as, schema)), len(inputs))

    return predict


def _argument(inputs: Any, served_as: ServedAs, schema: Any) -> Any:
    """What MLflow's `predict` is called with for rows of the model's input type."""
    signature = served_as["signature"]
    if isinstance(inputs, np.ndarray):
        values = numbers(inputs, signature)
        return values if signature is None or is_tensors(signature) else _frame(values, signature)
    if served_as["is_from_type_hint"]:
        return inputs
    if signature is None:
        return _records(inputs, None) if all(isinstance(row, dict) for row in inputs) else inputs
    if is_tensors(signature):
        from mlflow.utils.proto_json_utils import parse_instances_data

        return parse_instances_data({"instances": inputs}, schema)
    return _table(inputs, signature, schema)


def _table(rows: Sequence[Any], signature: Sequence[Mapping[str, Any]], schema: Any) -> Any:
    """Rows are objects, lists in the order of the columns, or for one column its values."""
    if all(isinstance(row, dict) for row in rows):
        return _records(rows, schema)
    names = [part.get("name", place) for place, part in enumerate(signature)]
    if not all(isinstance(row, list) for row in rows) and len(names) == 1:
        rows = [[row] for row in rows]
    if not all(isinstance(row, list) and len(row) == len(names) for row in rows):
        raise ValueError(f"An input must be an object with the keys {names}, or a list of their {len(names)} values")
    if "name" not in signature[0] or signature[0]["type"] == "binary":
        import pandas as pd

        return pd.DataFrame(list(rows), columns=names)
    return _records([dict(zip(names, row, strict=True)) for row in rows], schema)


def _records(rows: Sequence[Any], schema: Any) -> Any:
    from mlflow.utils.proto_json_utils import dataframe_from_parsed_json

    return dataframe_from_parsed_json(list(rows), pandas_orient="records", schema=schema)


def _frame(values: "np.ndarray[Any, Any]", signature: Sequence[Mapping[str, Any]]) -> Any:
    import pandas as pd

    names = [part.get("name", place) for place, part in enumerate(signature)]
    columns = zip(names, values.T, (NUMBERS[part["type"]] for part in signature), strict=True)
    return pd.DataFrame({name: column.astype(dtype) for name, column, dtype in columns})


def numbers(inputs: Any, signature: Sequence[Mapping[str, Any]] | None) -> "np.ndarray[Any, Any]":
    """Rows of numbers, in the shape that `signature` has for them; raises ValueError when they do not fit it."""
    if not isinstance(inputs, np.ndarray):
        raise ValueError("The inputs of one batch must have equal lengths")
    if signature is None:
        return inputs
    if is_tensors(signature):
        tensor = signature[0]["tensor-spec"]
        return inputs.reshape((len(inputs), *tensor["shape"][1:])).astype(tensor["dtype"])
    if inputs.shape[1] != len(signature):
        raise ValueError(f"An input has {inputs.shape[1]} values, and the model's signature {len(signature)} columns")
    for column, part in zip(inputs.T, signature, strict=True):
        if part["type"] in WHOLE and not np.array_equal(column, np.rint(column)):
            raise ValueError(f"Column {part.get('name')!r} of the model's signature takes whole numbers only")
    return inputs


def as_rows(returned: Any, rows: int) -> Any:
    """One output for each row: of a table, and of several named outputs, an object of their values."""
    if hasattr(returned, "to_dict") and hasattr(returned, "columns"):
        return returned.to_dict(orient="records")
    if isinstance(returned, dict):
        lengths = {name: len(values) for name, values in returned.items()}
        if set(lengths.values()) != {rows}:
            raise OutputError(f"Expected model to return {rows} values of each output, found {lengths}")
        return [{name: values[row] for name, values in returned.items()} for row in range(rows)]
    return returned
