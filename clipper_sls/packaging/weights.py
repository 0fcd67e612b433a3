"""What of a model goes beside its pickled function instead of into it: which files, and how the function finds them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clipper_sls.domain.weights import MODEL, WeightsFormat
from clipper_sls.packaging.pickling import PersistentName

LOADER_MODULES = {
    WeightsFormat.SKOPS: ("skops", "sklearn"),
    WeightsFormat.XGBOOST: ("xgboost",),
    WeightsFormat.ONNX: ("onnxruntime",),
    WeightsFormat.PYTORCH_TENSORS: ("torch", "safetensors"),
    WeightsFormat.TORCHSCRIPT: ("torch",),
    WeightsFormat.TORCH_EXPORT: ("torch",),
    WeightsFormat.KERAS: ("keras",),
    WeightsFormat.MLFLOW: (),
}
"""What the runtime's loader of each format imports."""


@dataclass(frozen=True, slots=True)
class Weights:
    """`write` is called once with an empty folder. `name_of` says by which name the pickle refers to an object that
    lies in the weights, and None for all others; it is asked for every object."""

    kind: WeightsFormat
    write: Callable[[Path], None]
    name_of: Callable[[object], PersistentName | None]
    modules: frozenset[str] = frozenset()  # dotted names that loading imports, beside those of the loader itself

    @property
    def imports(self) -> frozenset[str]:
        return self.modules.union(LOADER_MODULES[self.kind])


def of_one_object(
    model: object, kind: WeightsFormat, write: Callable[[Path], None], modules: frozenset[str] = frozenset()
) -> Weights:
    """Weights that hold `model` and nothing else."""
    return Weights(kind, write, lambda value: MODEL if value is model else None, modules)
