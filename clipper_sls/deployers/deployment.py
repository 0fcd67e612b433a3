"""What all deployers do alike: check what was asked for, pack the model into a bundle, deploy that."""

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Unpack, cast

from clipper_sls.deployers.options import OF_DEPLOYING, VersionOptions
from clipper_sls.domain.bundle import Manifest
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.query import PackedRow
from clipper_sls.domain.serving_options import ServingOptions
from clipper_sls.packaging.bundling import Target, add_warm_up
from clipper_sls.sdk.connection import ClipperConnection
from clipper_sls.sdk.management_client import ReplicaBounds
from clipper_sls.sdk.packed_inputs import packed_warm_up
from clipper_sls.sdk.serving_arguments import check_serving_options

DEFAULT_BASE_IMAGE = "default"

_log = logging.getLogger(__name__)


class Pack(Protocol):
    """Makes the bundle of one model, as `packaging.bundling` does."""

    def __call__(self, **target: Unpack[Target]) -> Manifest: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """A version as a deployer was asked for it: the arguments that all of them have."""

    name: str
    version: object
    input_type: str
    base_image: str | None
    labels: Sequence[str] | None
    registry: str | None
    num_replicas: int
    batch_size: int
    pkgs_to_install: Sequence[str] | None
    options: VersionOptions

    @property
    def serving(self) -> ServingOptions:
        chosen = {name: value for name, value in self.options.items() if name not in OF_DEPLOYING}
        return cast(ServingOptions, chosen)

    @property
    def replicas(self) -> ReplicaBounds:
        return ReplicaBounds(self.num_replicas, self.options.get("min_replicas"), self.options.get("max_replicas"))

    def checked_warm_up(self) -> tuple[PackedRow, ...]:
        """The warm-up inputs, once all that can be known to be wrong before anything happens was found right."""
        check_serving_options(self.serving, self.batch_size)
        return packed_warm_up(self.input_type, self.options.get("warm_up_inputs"))


def deploy(clipper_conn: ClipperConnection, wanted: Wanted, pack: Pack) -> None:
    """Put what `pack` packs into production as one version of a model, and make it current.

    Raises what `pack` raises, and whatever `ClipperConnection.deploy_model` raises; then nothing is deployed.
    """
    model = ModelId.of(wanted.name, wanted.version)
    warm_up = wanted.checked_warm_up()
    if wanted.base_image not in (None, DEFAULT_BASE_IMAGE):
        _log.warning("base_image=%r has no effect: there is no image, the function runs as it is", wanted.base_image)
    with tempfile.TemporaryDirectory(prefix="clipper-sls-") as folder:
        bundle = Path(folder)
        pack(
            name=model.name,
            version=model.version,
            input_type=wanted.input_type,
            pkgs_to_install=wanted.pkgs_to_install or (),
            destination=bundle,
        )
        if warm_up:
            add_warm_up(bundle, warm_up)
        clipper_conn.deploy_bundle(
            model.name,
            model.version,
            wanted.input_type,
            bundle,
            labels=wanted.labels,
            container_registry=wanted.registry,
            batch_size=wanted.batch_size,
            replicas=wanted.replicas,
            **wanted.serving,
        )


def deploy_endpoint(
    clipper_conn: ClipperConnection, wanted: Wanted, default_output: str, slo_micros: int, pack: Pack
) -> None:
    """Register the application of the model's name, deploy the model, and link the two.

    Not atomic, as Clipper's: when deploying fails the application stays registered.
    """
    wanted.checked_warm_up()
    clipper_conn.register_application(wanted.name, wanted.input_type, default_output, slo_micros)
    deploy(clipper_conn, wanted, pack)
    clipper_conn.link_model_to_app(wanted.name, wanted.name)
