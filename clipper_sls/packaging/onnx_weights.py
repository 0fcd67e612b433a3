"""ONNX models as weights beside a function."""

import io
import logging
import os
import shutil
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from clipper_sls.domain.weights import ONNX_SUFFIX, WeightsFormat
from clipper_sls.errors import UnpicklableError
from clipper_sls.packaging.weights import Weights, of_one_object

ONNX_FILE = f"model{ONNX_SUFFIX}"
ONNXRUNTIME, CAFFE2 = "onnxruntime", "caffe2"

_log = logging.getLogger(__name__)


def onnx_weights(stand_in: object, model: Any) -> Weights:
    """Weights in which `stand_in` is the session that runs `model`: bytes, a path, or an `onnx.ModelProto`.

    Raises UnpicklableError when it is none of these.
    """
    return of_one_object(stand_in, WeightsFormat.ONNX, _writer(model))


def _writer(model: Any) -> Callable[[Path], None]:
    if isinstance(model, bytes):
        return lambda folder: _write(model, folder)
    if hasattr(model, "SerializeToString"):
        return lambda folder: _write(_serialized(model), folder)
    if isinstance(model, str | os.PathLike):
        return partial(_copy, Path(model))
    raise UnpicklableError(
        f"'{type(model).__qualname__}' is no ONNX model: give an onnx.ModelProto, its bytes, or the path of a file"
    )


def _write(content: bytes, folder: Path) -> None:
    (folder / ONNX_FILE).write_bytes(content)


def _serialized(model: Any) -> bytes:
    try:
        content: bytes = model.SerializeToString()
    except Exception as error:  # protobuf has several for a message of more than 2 GB
        raise UnpicklableError(
            f"The ONNX model could not be serialized: {error}. Save a large one with onnx.save(..., "
            f"save_as_external_data=True) into a folder of its own, and give the folder's path"
        ) from error
    return content


def _copy(source: Path, folder: Path) -> None:
    if source.is_file():
        shutil.copyfile(source, folder / ONNX_FILE)
        return
    models = list(source.glob(f"*{ONNX_SUFFIX}"))
    if len(models) != 1:
        raise UnpicklableError(
            f"{source} is no file, and no folder with one {ONNX_SUFFIX} file and its external data: there are "
            f"{len(models)} such files"
        )
    shutil.copytree(source, folder, dirs_exist_ok=True)


def check_backend(backend: str) -> None:
    """Warns of Clipper's default, since ONNX Runtime runs it instead; raises UnpicklableError for any other."""
    if backend == CAFFE2:
        _log.warning("onnx_backend='caffe2' has no effect: there is no Caffe2 any more, ONNX Runtime runs the model")
    elif backend != ONNXRUNTIME:
        raise UnpicklableError(f"onnx_backend='{backend}' is not supported; '{ONNXRUNTIME}' is")


def exported(pytorch_model: Any, inputs: Any) -> bytes:
    """A PyTorch module as an ONNX model, traced with `inputs`: a tensor or a tuple of them, one for each argument.

    Their first dimension is the batch and may have any length. Raises UnpicklableError when tracing fails.
    """
    import torch

    arguments = inputs if isinstance(inputs, tuple) else (inputs,)
    names = [f"input_{place}" for place in range(len(arguments))]
    content = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the newer exporter needs one more package
            torch.onnx.export(
                pytorch_model,
                arguments,
                content,
                input_names=names,
                dynamic_axes={name: {0: "batch"} for name in names},
                dynamo=False,
            )
    except Exception as error:  # tracing runs the module, which may raise anything
        raise UnpicklableError(f"Error serializing PyTorch model to ONNX: {error}") from error
    return content.getvalue()
