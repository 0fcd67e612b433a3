"""Deploying an ONNX model, and Clipper's onnx deployer, which makes one of a PyTorch module.

The model travels beside the function as it is. ONNX Runtime runs it; Clipper ran it on Caffe2, which is no more.
"""

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any, Unpack

from clipper_sls.deployers.deployment import DEFAULT_BASE_IMAGE, Wanted, deploy, deploy_endpoint
from clipper_sls.deployers.extras import needing
from clipper_sls.deployers.options import VersionOptions, takes_version_options
from clipper_sls.domain.bundle import Manifest
from clipper_sls.domain.records import ADAPTIVE_BATCH_SIZE
from clipper_sls.packaging.bundling import Target, bundle_model
from clipper_sls.packaging.onnx_weights import ONNXRUNTIME, check_backend, exported, onnx_weights
from clipper_sls.sdk.connection import ClipperConnection


@takes_version_options
def create_endpoint(
    clipper_conn: ClipperConnection,
    name: str,
    input_type: str,
    func: Callable[[Any, Any], Any],
    onnx_model: Any,
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
    """Register the application `name`, deploy `onnx_model` as the model `name`, and link the two. Not atomic."""
    wanted = Wanted(
        name, version, input_type, base_image, labels, registry, num_replicas, batch_size, pkgs_to_install, options
    )
    deploy_endpoint(clipper_conn, wanted, default_output, slo_micros, partial(_bundle, func, onnx_model))


@takes_version_options
def deploy_onnx_model(
    clipper_conn: ClipperConnection,
    name: str,
    version: object,
    input_type: str,
    func: Callable[[Any, Any], Any],
    onnx_model: Any,
    base_image: str = DEFAULT_BASE_IMAGE,
    labels: Sequence[str] | None = None,
    registry: str | None = None,
    num_replicas: int = 1,
    batch_size: int = ADAPTIVE_BATCH_SIZE,
    pkgs_to_install: Sequence[str] | None = None,
    **options: Unpack[VersionOptions],
) -> None:
    """Put an ONNX model into production as one version of a model, and make it current.

    `onnx_model` is an `onnx.ModelProto`, its bytes, or the path of a file; of a model with external data, the path of
    the folder that holds nothing else. `func(session, inputs)` gets it as an `onnxruntime.InferenceSession` and returns
    a list with one output for each input. Raises what `deploy_python_closure` raises, with UnpicklableError for what
    is no ONNX model, and InvalidSettingError where onnxruntime is not installed.
    """
    wanted = Wanted(
        name, version, input_type, base_image, labels, registry, num_replicas, batch_size, pkgs_to_install, options
    )
    deploy(clipper_conn, wanted, partial(_bundle, func, onnx_model))


@takes_version_options
def create_pytorch_endpoint(
    clipper_conn: ClipperConnection,
    name: str,
    input_type: str,
    inputs: Any,
    func: Callable[[Any, Any], Any],
    pytorch_model: Any,
    default_output: str = "None",
    version: object = 1,
    slo_micros: int = 3000000,
    labels: Sequence[str] | None = None,
    registry: str | None = None,
    base_image: str | None = None,
    num_replicas: int = 1,
    onnx_backend: str = ONNXRUNTIME,
    batch_size: int = ADAPTIVE_BATCH_SIZE,
    pkgs_to_install: Sequence[str] | None = None,
    **options: Unpack[VersionOptions],
) -> None:
    """Register the application `name`, deploy `pytorch_model` as ONNX, and link the two. Not atomic."""
    check_backend(onnx_backend)
    wanted = Wanted(
        name, version, input_type, base_image, labels, registry, num_replicas, batch_size, pkgs_to_install, options
    )
    pack = partial(_bundle_exported, func, pytorch_model, inputs)
    deploy_endpoint(clipper_conn, wanted, default_output, slo_micros, pack)


@takes_version_options
def deploy_pytorch_model(
    clipper_conn: ClipperConnection,
    name: str,
    version: object,
    input_type: str,
    inputs: Any,
    func: Callable[[Any, Any], Any],
    pytorch_model: Any,
    base_image: str | None = None,
    labels: Sequence[str] | None = None,
    registry: str | None = None,
    num_replicas: int = 1,
    onnx_backend: str = ONNXRUNTIME,
    batch_size: int = ADAPTIVE_BATCH_SIZE,
    pkgs_to_install: Sequence[str] | None = None,
    **options: Unpack[VersionOptions],
) -> None:
    """Put a PyTorch module into production as an ONNX model: `deploy_onnx_model` of what PyTorch exports.

    It is traced with `inputs`, a tensor or a tuple of them, one for each argument of the module. Their first dimension
    is the batch and may have another length when the model is asked. Replicas need no PyTorch. Raises what
    `deploy_onnx_model` raises, with UnpicklableError also when tracing fails.
    """
    check_backend(onnx_backend)
    wanted = Wanted(
        name, version, input_type, base_image, labels, registry, num_replicas, batch_size, pkgs_to_install, options
    )
    deploy(clipper_conn, wanted, partial(_bundle_exported, func, pytorch_model, inputs))


def _bundle(func: Callable[[Any, Any], Any], onnx_model: Any, **target: Unpack[Target]) -> Manifest:
    with needing("onnx"):
        import_module("onnxruntime")  # the replica needs the version that is here
    session = object()
    return bundle_model(func, session, onnx_weights(session, onnx_model), **target)


def _bundle_exported(
    func: Callable[[Any, Any], Any], pytorch_model: Any, inputs: Any, **target: Unpack[Target]
) -> Manifest:
    with needing("pytorch"):
        content = exported(pytorch_model, inputs)
    return _bundle(func, content, **target)
