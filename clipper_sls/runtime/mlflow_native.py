"""Models of an MLflow directory that are read by their own framework, in formats without code; no MLflow is needed.

Each gives a function of a batch, the rows as numbers, that answers as MLflow's own wrapper of the flavor does.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from clipper_sls.domain.mlflow_model import NUMBERS, MlflowLoader, ServedAs, is_tensors

ONNX_DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(bool)": "bool",
    "tensor(float16)": "float16",
}


def native_model(directory: Path, served_as: ServedAs) -> Callable[[Any], Any]:
    """Raises whatever the framework raises when it loads the model."""
    loaders = {MlflowLoader.ONNX: _onnx, MlflowLoader.XGBOOST: _xgboost, MlflowLoader.SKOPS: _skops}
    return loaders[MlflowLoader(served_as["loader"])](directory / served_as["file"], served_as)


def _onnx(path: Path, served_as: ServedAs) -> Callable[[Any], Any]:
    """Outputs by their names, as MLflow gives them."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=onnxruntime.get_available_providers())
    inputs = session.get_inputs()
    outputs = [output.name for output in session.get_outputs()]
    columns = {part.get("name"): place for place, part in enumerate(served_as["signature"] or ())}

    def feed(values: Any) -> dict[str, Any]:
        """The one input gets all columns; of several, each the column of its name."""
        if len(inputs) == 1:
            return {inputs[0].name: _as(values, inputs[0].type)}
        return {given.name: _as(values[:, columns[given.name]], given.type) for given in inputs}

    return lambda values: dict(zip(outputs, session.run(outputs, feed(values)), strict=True))


def _as(values: Any, onnx_type: str) -> Any:
    return values.astype(ONNX_DTYPES.get(onnx_type, values.dtype))


def _xgboost(path: Path, served_as: ServedAs) -> Callable[[Any], Any]:
    import xgboost

    module, _, name = served_as["model_class"].rpartition(".")
    model = getattr(import_module(module), name)()
    model.load_model(path)
    if isinstance(model, xgboost.Booster):
        return lambda values: model.predict(xgboost.DMatrix(values, feature_names=model.feature_names))
    predict: Callable[[Any], Any] = model.predict
    return predict


def _skops(path: Path, served_as: ServedAs) -> Callable[[Any], Any]:
    from skops.io import load

    method: Callable[[Any], Any] = getattr(load(path, trusted=served_as["trusted"]), served_as["method"])
    signature = served_as["signature"]
    if signature is None or is_tensors(signature):
        return method
    import pandas as pd

    names = [part["name"] for part in signature]
    dtypes = {part["name"]: NUMBERS[part["type"]] for part in signature}
    return lambda values: method(pd.DataFrame(values, columns=names).astype(dtypes))
