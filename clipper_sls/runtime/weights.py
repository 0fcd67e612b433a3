"""Loads what lies in the weights of a verified bundle, by the name that the pickled function has for it.

A framework is imported in its loader and nowhere else: a replica needs the one that its model is of.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from clipper_sls.domain.weights import (
    BUFFER,
    CONSTANT,
    KERAS_BACKEND_FILE,
    KERAS_FILE,
    MODEL,
    ONNX_SUFFIX,
    PARAMETER,
    SKOPS_FILE,
    TENSORS_FILE,
    TORCH_EXPORT_FILE,
    TORCHSCRIPT_FILE,
    TRUSTED_TYPES_FILE,
    XGBOOST_SUFFIX,
    WeightsFormat,
)

Loader = Callable[[Path], Mapping[str, Any]]
"""From the weights' folder to what lies there, by name."""


def load_weights(kind: WeightsFormat, folder: Path) -> Mapping[str, Any]:
    """Raises ModuleNotFoundError without the framework, and whatever the framework raises."""
    return LOADERS[kind](folder)


def _skops(folder: Path) -> Mapping[str, Any]:
    from skops.io import load

    trusted = json.loads((folder / TRUSTED_TYPES_FILE).read_bytes())
    return {MODEL: load(folder / SKOPS_FILE, trusted=trusted)}


def _xgboost(folder: Path) -> Mapping[str, Any]:
    import xgboost

    path = _only(folder, XGBOOST_SUFFIX)
    model = getattr(xgboost, path.stem)()
    model.load_model(path)
    return {MODEL: model}


def _onnx(folder: Path) -> Mapping[str, Any]:
    import onnxruntime

    providers = onnxruntime.get_available_providers()
    return {MODEL: onnxruntime.InferenceSession(_only(folder, ONNX_SUFFIX), providers=providers)}


def _pytorch_tensors(folder: Path) -> Mapping[str, Any]:
    from safetensors.torch import load_file
    from torch.nn import Parameter

    kinds: dict[str, Callable[[Any], Any]] = {
        PARAMETER: Parameter,
        CONSTANT: lambda tensor: Parameter(tensor, requires_grad=False),
        BUFFER: lambda tensor: tensor,
    }
    tensors = load_file(folder / TENSORS_FILE)
    return {name: kinds["".join(name.partition(":")[:2])](tensor) for name, tensor in tensors.items()}


def _torchscript(folder: Path) -> Mapping[str, Any]:
    import torch

    return {MODEL: torch.jit.load(folder / TORCHSCRIPT_FILE, map_location="cpu")}


def _torch_export(folder: Path) -> Mapping[str, Any]:
    import torch

    return {MODEL: torch.export.load(folder / TORCH_EXPORT_FILE).module()}


def _keras(folder: Path) -> Mapping[str, Any]:
    """Loads later, when the function's own layers are there; but the backend has to be chosen before Keras is imported,
    which unpickling the function may do."""
    os.environ["KERAS_BACKEND"] = (folder / KERAS_BACKEND_FILE).read_text().strip()
    from keras.saving import load_model

    def load(own: Mapping[str, Any]) -> Any:
        return load_model(folder / KERAS_FILE, custom_objects=dict(own), compile=False, safe_mode=True)

    return {MODEL: load}


def _mlflow(folder: Path) -> Mapping[str, Any]:
    from clipper_sls.runtime.mlflow_model import load_mlflow_model

    return {MODEL: load_mlflow_model(folder)}


def _only(folder: Path, suffix: str) -> Path:
    (path,) = folder.glob(f"*{suffix}")
    return path


LOADERS: Mapping[WeightsFormat, Loader] = {
    WeightsFormat.SKOPS: _skops,
    WeightsFormat.XGBOOST: _xgboost,
    WeightsFormat.ONNX: _onnx,
    WeightsFormat.PYTORCH_TENSORS: _pytorch_tensors,
    WeightsFormat.TORCHSCRIPT: _torchscript,
    WeightsFormat.TORCH_EXPORT: _torch_export,
    WeightsFormat.KERAS: _keras,
    WeightsFormat.MLFLOW: _mlflow,
}
