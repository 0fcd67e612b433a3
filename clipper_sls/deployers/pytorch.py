"""Deploying a PyTorch module: Clipper's pytorch deployer, by its names.

What is large travels beside the function and is not pickled: the tensors of a module as safetensors, a TorchScript or
an exported program in PyTorch's own format. The module around its tensors is pickled with the function, so that its
class, by value if it is the user's own, is the one that the function knows.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Unpack

from clipper_sls.deployers.deployment import DEFAULT_BASE_IMAGE, Wanted, deploy, deploy_endpoint
from clipper_sls.deployers.extras import needing
from clipper_sls.deployers.options import VersionOptions, takes_version_options
from clipper_sls.domain.bundle import Manifest
from clipper_sls.domain.records import ADAPTIVE_BATCH_SIZE
from clipper_sls.packaging.bundling import Target, bundle_model
from clipper_sls.packaging.pytorch_weights import pytorch_weights
from clipper_sls.sdk.connection import ClipperConnection


@takes_version_options
def create_endpoint(
    clipper_conn: ClipperConnection,
    name: str,
    input_type: str,
    func: Callable[[Any, Any], Any],
    pytorch_model: Any,
    default_output: str = "None",
    version: object = 1,
    slo_micros: int = 3000000,
    labels: Sequence[str] | None = None,
    registry: str | None = None,
    base_image: str = DEFAULT_BASE_IMAGE,
    num_replicas: int = 1,
    batch_size: int = ADAPTIVE_BATCH_SIZE,
    pkgs_to_install: Sequence[str] | None = None,
    **options: Unpack[VersionOptions],
) -> None:
    """Register the application `name`, deploy `pytorch_model` as the model `name`, and link the two. Not atomic."""
    wanted = Wanted(
        name, version, input_type, base_image, labels, registry, num_replicas, batch_size, pkgs_to_install, options
    )
    deploy_endpoint(clipper_conn, wanted, default_output, slo_micros, partial(_bundle, func, pytorch_model))


@takes_version_options
def deploy_pytorch_model(
    clipper_conn: ClipperConnection,
    name: str,
    version: object,
    input_type: str,
    func: Callable[[Any, Any], Any],
    pytorch_model: Any,
    base_image: str = DEFAULT_BASE_IMAGE,
    labels: Sequence[str] | None = None,
    registry: str | None = None,
    num_replicas: int = 1,
    batch_size: int = ADAPTIVE_BATCH_SIZE,
    pkgs_to_install: Sequence[str] | None = None,
    **options: Unpack[VersionOptions],
) -> None:
    """Put a PyTorch module into production as one version of a model, and make it current.

    `pytorch_model` is a module, a TorchScript or a `torch.export.ExportedProgram`; replicas get it on the CPU.
    `func(pytorch_model, inputs)` returns a list with one output for each input. The module stays in the mode that it
    is in: call `eval()` first where dropout or batch normalization is in it. Raises what `deploy_python_closure`
    raises, with UnpicklableError for what is no model of PyTorch, and InvalidSettingError where PyTorch or safetensors
    is not installed.
    """
    wanted = Wanted(
        name, version, input_type, base_image, labels, registry, num_replicas, batch_size, pkgs_to_install, options
    )
    deploy(clipper_conn, wanted, partial(_bundle, func, pytorch_model))


def _bundle(func: Callable[[Any, Any], Any], pytorch_model: Any, **target: Unpack[Target]) -> Manifest:
    with needing("pytorch"):
        weights = pytorch_weights(pytorch_model)
    return bundle_model(func, pytorch_model, weights, **target)
