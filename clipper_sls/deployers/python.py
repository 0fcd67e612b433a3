"""Deploying a Python function: Clipper's python deployer, by its names."""

from collections.abc import Sequence
from functools import partial
from typing import Unpack

from clipper_sls.deployers.deployment import DEFAULT_BASE_IMAGE, Wanted, deploy, deploy_endpoint
from clipper_sls.deployers.options import VersionOptions, takes_version_options
from clipper_sls.domain.records import ADAPTIVE_BATCH_SIZE
from clipper_sls.packaging.bundling import bundle_closure
from clipper_sls.packaging.object_check import Served
from clipper_sls.sdk.connection import ClipperConnection


@takes_version_options
def create_endpoint(
    clipper_conn: ClipperConnection,
    name: str,
    input_type: str,
    func: Served,
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
    """Register the application `name`, deploy `func` as the model `name`, and link the two.

    Not atomic, as Clipper's: when deploying fails the application stays registered. The arguments are those of
    `ClipperConnection.register_application` and `deploy_python_closure`.
    """
    wanted = Wanted(
        name, version, input_type, base_image, labels, registry, num_replicas, batch_size, pkgs_to_install, options
    )
    deploy_endpoint(clipper_conn, wanted, default_output, slo_micros, partial(bundle_closure, func))


@takes_version_options
def deploy_python_closure(
    clipper_conn: ClipperConnection,
    name: str,
    version: object,
    input_type: str,
    func: Served,
    base_image: str = DEFAULT_BASE_IMAGE,
    labels: Sequence[str] | None = None,
    registry: str | None = None,
    num_replicas: int = 1,
    batch_size: int = ADAPTIVE_BATCH_SIZE,
    pkgs_to_install: Sequence[str] | None = None,
    **options: Unpack[VersionOptions],
) -> None:
    """Put `func`, with all that it refers to, into production as one version of a model, and make it current.

    `func` takes a list of inputs of `input_type` (numbers of equal length arrive as one 2-D numpy array) and returns a
    list with one output for each. Packages that it uses are found by analysis; `pkgs_to_install` adds to them, as pip
    takes them.

    Instead of a function `func` may be a class, which is made without arguments, or an instance that cannot be called
    itself: with `predict(inputs)` and, if it has something to do once in each replica, `setup()` or `load()`.

    Raises UnpicklableError, which names the variable that cannot be sent to another process, and whatever
    `ClipperConnection.deploy_model` raises; then nothing is deployed.
    """
    wanted = Wanted(
        name, version, input_type, base_image, labels, registry, num_replicas, batch_size, pkgs_to_install, options
    )
    deploy(clipper_conn, wanted, partial(bundle_closure, func))
