"""Deploying a scikit-learn model, of a shape that Clipper's deployers of other frameworks have.

The model travels beside the function, as arrays and names in skops' format, which holds no code. What skops cannot give
back, or what is made of classes and functions of the user's own, is pickled with the function instead.
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
from clipper_sls.packaging.skops_weights import skops_weights
from clipper_sls.sdk.connection import ClipperConnection


@takes_version_options
def create_endpoint(
    clipper_conn: ClipperConnection,
    name: str,
    input_type: str,
    func: Callable[[Any, Any], Any],
    sklearn_model: Any,
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
    """Register the application `name`, deploy `sklearn_model` as the model `name`, and link the two. Not atomic."""
    wanted = Wanted(
        name, version, input_type, base_image, labels, registry, num_replicas, batch_size, pkgs_to_install, options
    )
    deploy_endpoint(clipper_conn, wanted, default_output, slo_micros, partial(_bundle, func, sklearn_model))


@takes_version_options
def deploy_sklearn_model(
    clipper_conn: ClipperConnection,
    name: str,
    version: object,
    input_type: str,
    func: Callable[[Any, Any], Any],
    sklearn_model: Any,
    base_image: str = DEFAULT_BASE_IMAGE,
    labels: Sequence[str] | None = None,
    registry: str | None = None,
    num_replicas: int = 1,
    batch_size: int = ADAPTIVE_BATCH_SIZE,
    pkgs_to_install: Sequence[str] | None = None,
    **options: Unpack[VersionOptions],
) -> None:
    """Put a scikit-learn estimator or pipeline into production as one version of a model, and make it current.

    `func(sklearn_model, inputs)` returns a list with one output for each input, for example
    `lambda model, inputs: model.predict(inputs)`. Raises what `deploy_python_closure` raises, and InvalidSettingError
    where scikit-learn or skops is not installed.
    """
    wanted = Wanted(
        name, version, input_type, base_image, labels, registry, num_replicas, batch_size, pkgs_to_install, options
    )
    deploy(clipper_conn, wanted, partial(_bundle, func, sklearn_model))


def _bundle(func: Callable[[Any, Any], Any], sklearn_model: Any, **target: Unpack[Target]) -> Manifest:
    with needing("sklearn"):
        weights = skops_weights(sklearn_model)
    return bundle_model(func, sklearn_model, weights, **target)
