"""Weights beside a function: in a folder of their own, in a format that a loader of the runtime knows by its name.

Standard library only: runs inside model images. The pickled function refers by name to what lies in the weights, and
the runtime hands it what its loader found there; so the weights are no part of the pickle, and may one day be stored or
shipped apart from it.
"""

from enum import StrEnum

WEIGHTS_FOLDER = "weights"
"""Folder of a bundle; what lies there is listed in the manifest as every other file."""

ENTRY_PREFIX = "weights:"
"""`weights:skops` is the entry of a bundle whose `func.pkl` refers to what lies in `weights/`, in the format skops."""

MODEL = "model"
"""What the function calls the one object that formats other than `PYTORCH_TENSORS` hold.

A name may stand in a pair with the objects that its loader needs of the function: in `KERAS`, the user's own layers by
the names that the file has for them. Then what the loader has under that name is called with them.
"""


class WeightsFormat(StrEnum):
    SKOPS = "skops"  # a scikit-learn model: arrays and a schema, no code
    XGBOOST = "xgboost"  # XGBoost's own: UBJSON
    ONNX = "onnx"
    PYTORCH_TENSORS = "pytorch-tensors"  # safetensors; the function refers to each tensor by its name
    TORCHSCRIPT = "torchscript"
    TORCH_EXPORT = "torch-export"
    KERAS = "keras"  # Keras's own, loaded in its safe mode; the function refers to the model by name and own classes
    MLFLOW = "mlflow"  # an MLflow model directory; what lies there is the function, and there is no pickle beside it

    @property
    def holds_function(self) -> bool:
        """Whether `MODEL` is the whole function of a list of inputs, so that the bundle has no `func.pkl`."""
        return self is WeightsFormat.MLFLOW

    @property
    def entry(self) -> str:
        return f"{ENTRY_PREFIX}{self.value}"


SKOPS_FILE = "model.skops"
TRUSTED_TYPES_FILE = "trusted-types.json"
"""Names of the classes in `SKOPS_FILE` that skops does not trust by itself: a list of strings."""

XGBOOST_SUFFIX = ".ubj"
"""The file's stem is the model's class: `XGBClassifier.ubj`."""

ONNX_SUFFIX = ".onnx"
"""One file; others beside it hold its external data."""

TENSORS_FILE = "tensors.safetensors"
PARAMETER, CONSTANT, BUFFER = "parameter:", "constant:", "buffer:"
"""What names of tensors begin with: a parameter that can be trained, one that cannot, no parameter."""

TORCHSCRIPT_FILE = "model.pt"
TORCH_EXPORT_FILE = "model.pt2"

KERAS_FILE = "model.keras"
KERAS_BACKEND_FILE = "backend.txt"
"""The name of the framework below Keras that the model was deployed from, as KERAS_BACKEND takes it: `torch`."""

MLFLOW_FOLDER = "model"
"""The MLflow model directory as it is, below the weights' folder."""

MLFLOW_SERVED_AS_FILE = "served-as.json"
"""Beside it: what the runtime has to know of its MLmodel, which it could not read without a package for YAML."""


def weights_format(entry: str) -> WeightsFormat | None:
    """The format that a manifest's entry names; None when it names none that is known here."""
    name = entry.removeprefix(ENTRY_PREFIX)
    is_known = entry.startswith(ENTRY_PREFIX) and name in {known.value for known in WeightsFormat}
    return WeightsFormat(name) if is_known else None
