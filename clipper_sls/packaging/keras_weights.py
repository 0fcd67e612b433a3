"""Keras models as weights beside a function, in Keras's own format, which its safe mode reads without running code."""

import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from clipper_sls.domain.weights import KERAS_BACKEND_FILE, KERAS_FILE, MODEL, WeightsFormat
from clipper_sls.errors import UnpicklableError
from clipper_sls.packaging.pickling import PersistentName
from clipper_sls.packaging.weights import Weights

BACKEND_MODULES = {"numpy": ("jax",), "jax": ("jax", "jaxlib")}
"""What a backend imports where that is not the module of its own name."""

OWN_PARTS = (
    "Decorate your own layers and functions with @keras.saving.register_keras_serializable(), with get_config() for "
    "the arguments of a layer, and write a Lambda layer as one of these; or deploy what "
    "model.export(..., format='onnx') writes with deployers.onnx.deploy_onnx_model"
)
ARCHIVE_TIME = (1980, 1, 1, 0, 0, 0)
READ_BYTES = 1 << 20


def keras_model(model_path_or_object: Any) -> Any:
    """The model itself, of Keras 3, read from a `.keras` or `.h5` file if it is a path.

    Raises UnpicklableError for anything else, ModuleNotFoundError without Keras or its backend.
    """
    import keras

    if isinstance(model_path_or_object, str | os.PathLike):
        return _read(Path(model_path_or_object))
    if not isinstance(model_path_or_object, keras.Model):
        raise UnpicklableError(
            f"'{type(model_path_or_object).__qualname__}' is no model of Keras {keras.__version__} and no path of one. "
            f"Save a model of Keras 2 with model.save('model.h5'), and give that path"
        )
    return model_path_or_object


def keras_weights(model: Any) -> Weights:
    """Weights that hold `model`, a model of Keras 3; its own layers and functions go into the pickle, by their names.

    Its optimizer and losses stay behind. Raises UnpicklableError when the model cannot be stored, and writing does when
    it does not survive that.
    """
    import keras

    backend = keras.config.backend()
    with _storing():
        config = keras.saving.serialize_keras_object(model)
    name: PersistentName = (MODEL, dict(_own_parts(config)))
    return Weights(
        WeightsFormat.KERAS,
        partial(_write, model, backend),
        lambda value: name if value is model else None,
        frozenset(BACKEND_MODULES.get(backend, (backend,))),
    )


def _read(path: Path) -> Any:
    from keras.saving import load_model

    if not path.is_file():
        raise UnpicklableError(f"{path} is no file; save the model with model.save('model.keras')")
    try:
        return load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # what is in a file may raise anything
        raise UnpicklableError(f"Keras could not load {path}: {error}. {OWN_PARTS}") from error


def _own_parts(config: Any) -> Iterator[tuple[str, object]]:
    """Registered classes and functions that `config` names, which is what Keras makes of an object for JSON."""
    from keras.saving import get_registered_object

    if isinstance(config, list | tuple):
        for part in config:
            yield from _own_parts(part)
    elif isinstance(config, dict):
        name = config.get("config" if config.get("class_name") == "function" else "registered_name")
        if isinstance(name, str) and (found := get_registered_object(name)) is not None:
            yield name, found
        for key, part in config.items():
            if key != "compile_config":
                yield from _own_parts(part)


def _write(model: Any, backend: str, folder: Path) -> None:
    """Reads the model back, as a replica will, and writes that: it has no state of an optimizer, twice the weights."""
    from keras.saving import load_model

    with TemporaryDirectory(prefix="clipper-sls-keras-") as scratch:
        path = Path(scratch, KERAS_FILE)
        with _storing():
            model.save(path)
            load_model(path, compile=False, safe_mode=True).save(path)
        _settle(path, folder / KERAS_FILE)
    (folder / KERAS_BACKEND_FILE).write_text(backend)


@contextmanager
def _storing() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # own layers may raise anything
        raise UnpicklableError(f"Keras could not store the model and load it again: {error}. {OWN_PARTS}") from error


def _settle(source: Path, target: Path) -> None:
    """Copy the archive without its times: equal models are equal files."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as settled:
        for entry in sorted(archive.infolist(), key=lambda entry: entry.filename):
            with (
                archive.open(entry) as content,
                settled.open(zipfile.ZipInfo(entry.filename, ARCHIVE_TIME), "w", force_zip64=True) as copy,
            ):
                if entry.filename == "metadata.json":
                    copy.write(_undated(json.load(content)))
                    continue
                while chunk := content.read(READ_BYTES):
                    copy.write(chunk)


def _undated(metadata: Mapping[str, Any]) -> bytes:
    return json.dumps({key: value for key, value in metadata.items() if key != "date_saved"}).encode()
