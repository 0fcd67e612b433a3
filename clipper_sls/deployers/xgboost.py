"""Deploying an XGBoost model, of a shape that Clipper's deployers of other frameworks have.

The model travels beside the function in XGBoost's own format, which holds no code and which later releases can read.
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
from clipper_sls.packaging.xgboost_weights import xgboost_weights
from clipper_sls.sdk.connection import ClipperConnection


@takes_version_options
def create_endpoint(
    clipper_conn: ClipperConnection,
    name: str,
    input_type: str,
    func: Callable[[Any, Any], Any],
    xgboost_model: Any,
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
    """Register the application `name`, deploy `xgboost_model` as the model `name`, and link the two. Not atomic."""
    wanted = Wanted(
        name, version, input_type, base_image, labels, registry, num_replicas, batch_size, pkgs_to_install, options
    )
    deploy_endpoint(clipper_conn, wanted, default_output, slo_micros, partial(_bundle, func, xgboost_model))


@takes_version_options
def deploy_xgboost_model(
    clipper_conn: ClipperConnection,
    name: str,
    version: object,
    input_type: str,
    func: Callable[[Any, Any], Any],
    xgboost_model: Any,
    base_image: str = DEFAULT_BASE_IMAGE,
    labels: Sequence[str] | None = None,
    registry: str | None = None,
    num_replicas: int = 1,
    batch_size: int = ADAPTIVE_BATCH_SIZE,
    pkgs_to_install: Sequence[str] | None = None,
    **options: Unpack[VersionOptions],
) -> None:
    """Put an XGBoost model into production as one version of a model, and make it current.

    `xgboost_model` is a `Booster` or one of XGBoost's estimators. `func(xgboost_model, inputs)` returns a list with one
    output for each input, for example `lambda booster, inputs: booster.inplace_predict(inputs)`. Raises what
    `deploy_python_closure` raises, with UnpicklableError for any other model and for one that was not trained, and
    InvalidSettingError where XGBoost is not installed.
    """
    wanted = Wanted(
        name, version, input_type, base_image, labels, registry, num_replicas, batch_size, pkgs_to_install, options
    )
    deploy(clipper_conn, wanted, partial(_bundle, func, xgboost_model))


def _bundle(func: Callable[[Any, Any], Any], xgboost_model: Any, **target: Unpack[Target]) -> Manifest:
    with needing("xgboost"):
        weights = xgboost_weights(xgboost_model)
    return bundle_model(func, xgboost_model, weights, **target)
