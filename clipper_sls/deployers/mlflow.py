"""Deploying an MLflow model directory, as `mlflow.<framework>.save_model` writes it or as it lies in a run's artifacts.

Replicas get the Python and the packages that the directory names. ONNX, XGBoost and skops files that numbers are asked
of are read by their framework alone; everything else is loaded by `mlflow.pyfunc`, whatever its flavor.
"""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Unpack

from clipper_sls.deployers.deployment import DEFAULT_BASE_IMAGE, Wanted, deploy, deploy_endpoint
from clipper_sls.deployers.extras import needing
from clipper_sls.deployers.options import VersionOptions, takes_version_options
from clipper_sls.domain.bundle import Manifest
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import ADAPTIVE_BATCH_SIZE
from clipper_sls.packaging.bundling import Target, bundle_weights
from clipper_sls.packaging.mlflow_directory import read_mlflow_directory
from clipper_sls.packaging.mlflow_weights import mlflow_weights
from clipper_sls.sdk.connection import ClipperConnection


@takes_version_options
def create_endpoint(
    clipper_conn: ClipperConnection,
    name: str,
    input_type: str,
    model_path: str | os.PathLike[str],
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
    """Register the application `name`, deploy what is in `model_path` as the model `name`, and link the two. Not
    atomic."""
    wanted = Wanted(
        name, version, input_type, base_image, labels, registry, num_replicas, batch_size, pkgs_to_install, options
    )
    deploy_endpoint(clipper_conn, wanted, default_output, slo_micros, partial(_bundle, model_path))


@takes_version_options
def deploy_mlflow_model(
    clipper_conn: ClipperConnection,
    name: str,
    version: object,
    input_type: str,
    model_path: str | os.PathLike[str],
    base_image: str = DEFAULT_BASE_IMAGE,
    labels: Sequence[str] | None = None,
    registry: str | None = None,
    num_replicas: int = 1,
    batch_size: int = ADAPTIVE_BATCH_SIZE,
    pkgs_to_install: Sequence[str] | None = None,
    **options: Unpack[VersionOptions],
) -> None:
    """Put an MLflow model directory into production as one version of a model, and make it current.

    With `input_type="json"` an input is an object with the columns of the model's signature, or a list of their values;
    other types fit signatures of numbers, of one string, of one binary column. Of a table an output is an object of its
    columns. Raises what `deploy_bundle` raises, InvalidBundleError for what is no model directory or was saved by a
    Python that replicas cannot run, and InvalidSettingError for an input type that does not fit the signature.
    """
    wanted = Wanted(
        name, version, input_type, base_image, labels, registry, num_replicas, batch_size, pkgs_to_install, options
    )
    deploy(clipper_conn, wanted, partial(_bundle, model_path))


def _bundle(model_path: str | os.PathLike[str], **target: Unpack[Target]) -> Manifest:
    """The bundle of a model directory; raises what `deploy_mlflow_model` says of the directory and the input type."""
    with needing("mlflow"):
        directory = read_mlflow_directory(Path(model_path), InputType.parse(target["input_type"]))
    return bundle_weights(mlflow_weights(directory), directory.requirements, directory.python, **target)
