"""PyTorch models as weights beside a function. PyTorch is imported where it is used, and nowhere before."""

import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from clipper_sls.domain.weights import (
    BUFFER,
    CONSTANT,
    PARAMETER,
    TENSORS_FILE,
    TORCH_EXPORT_FILE,
    TORCHSCRIPT_FILE,
    WeightsFormat,
)
from clipper_sls.errors import UnpicklableError
from clipper_sls.packaging.weights import Weights, of_one_object

_log = logging.getLogger(__name__)


def pytorch_weights(model: Any) -> Weights:
    """Raises UnpicklableError for what is no model of PyTorch, ModuleNotFoundError without PyTorch or safetensors."""
    import torch

    if isinstance(model, torch.export.ExportedProgram):
        return of_one_object(model, WeightsFormat.TORCH_EXPORT, lambda folder: _export(model, folder))
    if isinstance(model, torch.jit.ScriptModule):
        return of_one_object(model, WeightsFormat.TORCHSCRIPT, lambda folder: _script(model, folder))
    if not isinstance(model, torch.nn.Module):
        raise UnpicklableError(
            f"'{type(model).__qualname__}' is no torch.nn.Module, TorchScript or torch.export.ExportedProgram. "
            f"Deploy other models with deploy_python_closure"
        )
    from safetensors.torch import save_file

    if model.training:
        _log.warning("The module is in training mode, and will answer in it: call model.eval() before deploying it")
    tensors = dict(_tensors(model))
    names = {id(tensor): name for name, tensor in tensors.items()}  # the model keeps them alive, so ids stay theirs
    return Weights(
        WeightsFormat.PYTORCH_TENSORS, partial(_save, save_file, tensors), lambda value: names.get(id(value))
    )


def _tensors(module: Any) -> Iterator[tuple[str, Any]]:
    """Parameters and buffers by name, each once. Those of unusual kinds are left to the pickle."""
    import torch

    for name, parameter in module.named_parameters():
        if type(parameter) is torch.nn.Parameter and _is_plain(parameter):
            yield f"{PARAMETER if parameter.requires_grad else CONSTANT}{name}", parameter
    for name, buffer in module.named_buffers():
        if type(buffer) is torch.Tensor and _is_plain(buffer):
            yield f"{BUFFER}{name}", buffer


def _is_plain(tensor: Any) -> bool:
    import torch

    return tensor.layout is torch.strided and not tensor.is_quantized and not tensor.is_meta and tensor.is_leaf


def _save(save_file: Callable[..., None], tensors: Mapping[str, Any], folder: Path) -> None:
    """Tensors that overlap in memory become separate ones: safetensors holds no others."""
    taken: set[int] = set()
    apart = {}
    for name, tensor in tensors.items():
        storage = tensor.untyped_storage()
        is_alone = storage.nbytes() == tensor.nbytes and storage.data_ptr() not in taken
        taken.add(storage.data_ptr())
        detached = tensor.detach().cpu().contiguous()
        apart[name] = detached if is_alone else detached.clone()
    save_file(apart, folder / TENSORS_FILE)


def _script(model: Any, folder: Path) -> None:
    model.save(str(folder / TORCHSCRIPT_FILE))


def _export(model: Any, folder: Path) -> None:
    import torch

    torch.export.save(model, folder / TORCH_EXPORT_FILE)
