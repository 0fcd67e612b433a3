"""Deploying a Keras model: Clipper's keras deployer, by its names.

The model travels beside the function in Keras's own format, which holds no code. Layers and functions of the user's own
are pickled with the function. Keras runs on the same framework in the replica as where it was deployed from.
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
from clipper_sls.packaging.keras_weights import keras_model, keras_weights
from clipper_sls.sdk.connection import ClipperConnection


@takes_version_options
def create_endpoint(
    clipper_conn: ClipperConnection,
    name: str,
    input_type: str,
    func: Callable[[Any, Any], Any],
    model_path_or_object: Any,
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
    """Register the application `name`, deploy the model as the model `name`, and link the two. Not atomic."""
    wanted = Wanted(
        name, version, input_type, base_image, labels, registry, num_replicas, batch_size, pkgs_to_install, options
    )
    deploy_endpoint(clipper_conn, wanted, default_output, slo_micros, partial(_bundle, func, model_path_or_object))


@takes_version_options
def deploy_keras_model(
    clipper_conn: ClipperConnection,
    name: str,
    version: object,
    input_type: str,
    func: Callable[[Any, Any], Any],
    model_path_or_object: Any,
    base_image: str = DEFAULT_BASE_IMAGE,
    labels: Sequence[str] | None = None,
    registry: str | None = None,
    num_replicas: int = 1,
    batch_size: int = ADAPTIVE_BATCH_SIZE,
    pkgs_to_install: Sequence[str] | None = None,
    **options: Unpack[VersionOptions],
) -> None:
    """Put a Keras model into production as one version of a model, and make it current.

    `model_path_or_object` is a model of Keras 3, or the path of one that was saved as `.keras` or, by Keras 2 also, as
    `.h5`. `func(model, inputs)` returns a list with one output for each input, for example
    `lambda model, inputs: model.predict(inputs, verbose=0)`. Own layers must be registered with Keras, and the model
    comes without its optimizer. Raises what `deploy_python_closure` raises, with UnpicklableError for what Keras cannot
    store and load again in its safe mode, and InvalidSettingError where Keras is not installed.
    """
    wanted = Wanted(
        name, version, input_type, base_image, labels, registry, num_replicas, batch_size, pkgs_to_install, options
    )
    deploy(clipper_conn, wanted, partial(_bundle, func, model_path_or_object))


def _bundle(func: Callable[[Any, Any], Any], model_path_or_object: Any, **target: Unpack[Target]) -> Manifest:
    with needing("keras"):
        model = keras_model(model_path_or_object)
        weights = keras_weights(model)
    return bundle_model(func, model, weights, **target)
