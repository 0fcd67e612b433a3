"""Deploying a Python function: Clipper's python deployer, by its names."""

import logging
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Unpack

from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.records import ADAPTIVE_BATCH_SIZE
from clipper_sls.domain.serving_options import ServingOptions
from clipper_sls.packaging.bundling import add_warm_up, bundle_closure
from clipper_sls.sdk.connection import ClipperConnection
from clipper_sls.sdk.management_client import ReplicaBounds
from clipper_sls.sdk.packed_inputs import packed_warm_up
from clipper_sls.sdk.serving_arguments import check_serving_options, takes_serving_options

DEFAULT_BASE_IMAGE = "default"

_log = logging.getLogger(__name__)


@takes_serving_options
def create_endpoint(
    clipper_conn: ClipperConnection,
    name: str,
    input_type: str,
    func: Callable[[Any], Any],
    default_output: str = "None",
    version: object = 1,
    slo_micros: int = 3000000,
    labels: Sequence[str] | None = None,
    registry: str | None = None,
    base_image: str = DEFAULT_BASE_IMAGE,
    num_replicas: int = 1,
    batch_size: int = ADAPTIVE_BATCH_SIZE,
    pkgs_to_install: Sequence[str] | None = None,
    *,
    min_replicas: int | None = None,
    max_replicas: int | None = None,
    warm_up_inputs: Sequence[Any] | None = None,
    **serving: Unpack[ServingOptions],
) -> None:
    """Register the application `name`, deploy `func` as the model `name`, and link the two.

    Not atomic, as Clipper's: when deploying fails the application stays registered. The arguments are those of
    `ClipperConnection.register_application` and `deploy_python_closure`.
    """
    check_serving_options(serving, batch_size)
    packed_warm_up(input_type, warm_up_inputs)
    clipper_conn.register_application(name, input_type, default_output, slo_micros)
    deploy_python_closure(
        clipper_conn,
        name,
        version,
        input_type,
        func,
        base_image,
        labels,
        registry,
        num_replicas,
        batch_size,
        pkgs_to_install,
        min_replicas=min_replicas,
        max_replicas=max_replicas,
        warm_up_inputs=warm_up_inputs,
        **serving,
    )
    clipper_conn.link_model_to_app(name, name)


@takes_serving_options
def deploy_python_closure(
    clipper_conn: ClipperConnection,
    name: str,
    version: object,
    input_type: str,
    func: Callable[[Any], Any],
    base_image: str = DEFAULT_BASE_IMAGE,
    labels: Sequence[str] | None = None,
    registry: str | None = None,
    num_replicas: int = 1,
    batch_size: int = ADAPTIVE_BATCH_SIZE,
    pkgs_to_install: Sequence[str] | None = None,
    *,
    min_replicas: int | None = None,
    max_replicas: int | None = None,
    warm_up_inputs: Sequence[Any] | None = None,
    **serving: Unpack[ServingOptions],
) -> None:
    """Put `func`, with all that it refers to, into production as one version of a model, and make it current.

    `func` takes a list of inputs of `input_type` (numbers of equal length arrive as one 2-D numpy array) and returns a
    list with one output for each. Packages that it uses are found by analysis; `pkgs_to_install` adds to them, as pip
    takes them. `min_replicas` and `max_replicas` let the number of replicas follow the load instead of `num_replicas`.

    `warm_up_inputs` are a few inputs whose outputs nobody gets: every replica calls `func` with them, once, before it
    is ready, so that no query pays for what `func` does on its first call. They travel with the function.

    Raises UnpicklableError, which names the variable that cannot be sent to another process, and whatever
    `ClipperConnection.deploy_model` raises; then nothing is deployed.
    """
    model = ModelId.of(name, version)
    check_serving_options(serving, batch_size)
    warm_up = packed_warm_up(input_type, warm_up_inputs)
    if base_image != DEFAULT_BASE_IMAGE:
        _log.warning("base_image=%r has no effect: there is no image, the function runs as it is", base_image)
    with tempfile.TemporaryDirectory(prefix="clipper-sls-") as folder:
        bundle = Path(folder)
        bundle_closure(
            func,
            name=model.name,
            version=model.version,
            input_type=input_type,
            pkgs_to_install=pkgs_to_install or (),
            destination=bundle,
        )
        if warm_up:
            add_warm_up(bundle, warm_up)
        clipper_conn.deploy_bundle(
            model.name,
            model.version,
            input_type,
            bundle,
            labels=labels,
            container_registry=registry,
            batch_size=batch_size,
            replicas=ReplicaBounds(num_replicas, min_replicas, max_replicas),
            **serving,
        )
