"""The methods of `ClipperConnection` about models and their versions."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.records import ADAPTIVE_BATCH_SIZE, CONTAINERLESS_IMAGE
from clipper_sls.domain.serving_options import ServingOptions
from clipper_sls.errors import UnknownModelError
from clipper_sls.sdk.connected import Connected
from clipper_sls.sdk.management_client import Answer, NewVersion, ReplicaBounds
from clipper_sls.sdk.packed_inputs import packed_warm_up
from clipper_sls.sdk.serving_arguments import check_serving_options, takes_serving_options


class ModelMethods(Connected):
    """A version may be of any type that prints as a name: lower-case letters, digits, inner dashes.

    Every method but `build_model` raises UnconnectedException without a connection. All raise ClipperException when
    something is refused.
    """

    @takes_serving_options
    def build_and_deploy_model(
        self,
        name: str,
        version: object,
        input_type: str,
        model_data_path: str,
        base_image: str,
        labels: Sequence[str] | None = None,
        container_registry: str | None = None,
        num_replicas: int = 1,
        batch_size: int = ADAPTIVE_BATCH_SIZE,
        pkgs_to_install: Sequence[str] | None = None,
        *,
        warm_up_inputs: Sequence[Any] | None = None,
        **serving: Unpack[ServingOptions],
    ) -> None:
        """`build_model`, then `deploy_model`."""
        packed_warm_up(input_type, warm_up_inputs)
        check_serving_options(serving, batch_size)
        self._check_connected()
        image = self.build_model(name, version, model_data_path, base_image, container_registry, pkgs_to_install)
        self.deploy_model(
            name,
            version,
            input_type,
            image,
            labels,
            num_replicas,
            batch_size,
            warm_up_inputs=warm_up_inputs,
            **serving,
        )

    def build_model(
        self,
        name: str,
        version: object,
        model_data_path: str,
        base_image: str,
        container_registry: str | None = None,
        pkgs_to_install: Sequence[str] | None = None,
    ) -> str:
        """Make an image of a folder and return its name, for `deploy_model`. Needs no connection.

        `base_image` is an image of Clipper's: a closure container, the noop or the sum container. `pkgs_to_install` are
        installed, as pip would, into an environment of the version's own.
        """
        model = ModelId.of(name, version)
        return self.cm.build_model(
            model.name, model.version, model_data_path, base_image, container_registry, pkgs_to_install
        )

    @takes_serving_options
    def deploy_model(
        self,
        name: str,
        version: object,
        input_type: str,
        image: str,
        labels: Sequence[str] | None = None,
        num_replicas: int = 1,
        batch_size: int = ADAPTIVE_BATCH_SIZE,
        *,
        min_replicas: int | None = None,
        max_replicas: int | None = None,
        warm_up_inputs: Sequence[Any] | None = None,
        **serving: Unpack[ServingOptions],
    ) -> None:
        """Start replicas of `image`, wait until they are ready, register the version and make it current.

        All of it or nothing. With `min_replicas` or `max_replicas` the number of replicas follows the load, and
        `num_replicas` is not looked at. `batch_size` is the most inputs that a replica gets at once; -1 adapts it.
        `warm_up_inputs` are what every replica asks its function for, once, before it is ready.
        """
        bounds = ReplicaBounds(num_replicas, min_replicas, max_replicas)
        new = _new_version(name, version, input_type, image, labels, batch_size, bounds, serving)
        self._check_connected()
        self.cm.deploy_model(replace(new, warm_up=packed_warm_up(input_type, warm_up_inputs)))
        self.logger.info("Done deploying model %s:%s.", name, version)

    @takes_serving_options
    def deploy_bundle(
        self,
        name: str,
        version: object,
        input_type: str,
        bundle: Path,
        *,
        replicas: ReplicaBounds,
        labels: Sequence[str] | None = None,
        container_registry: str | None = None,
        batch_size: int = ADAPTIVE_BATCH_SIZE,
        **serving: Unpack[ServingOptions],
    ) -> None:
        """`deploy_model` for a bundle in a folder, as the deployers make them."""
        new = _new_version(name, version, input_type, CONTAINERLESS_IMAGE, labels, batch_size, replicas, serving)
        self._check_connected()
        self.cm.deploy_bundle(new, bundle, container_registry)
        self.logger.info("Done deploying model %s:%s.", name, version)

    @takes_serving_options
    def register_model(
        self,
        name: str,
        version: object,
        input_type: str,
        image: str | None = None,
        labels: Sequence[str] | None = None,
        batch_size: int = ADAPTIVE_BATCH_SIZE,
        *,
        url: str | None = None,
        **serving: Unpack[ServingOptions],
    ) -> None:
        """Register a version, and make it current, without starting anything: it runs elsewhere.

        With `url`, `http://HOST:PORT` of the server of a model's image or of the Lambda emulator, queries are answered
        there; without, by the default output. `batch_size`, `batching` and `batch_wait_ms` are for that server to know.
        """
        check_serving_options(serving, batch_size)
        new = NewVersion(
            name,
            str(version),
            input_type,
            image=image if image is not None else CONTAINERLESS_IMAGE,
            labels=labels or (),
            batch_size=batch_size,
            replicas=ReplicaBounds(0),
            serving=serving,
            url=url,
        )
        self._management.add_model(new)
        self.logger.info("Successfully registered model %s:%s", name, version)

    def get_current_model_version(self, name: str) -> str:
        """The version of `name` that answers."""
        for model in self.get_all_models(verbose=True):
            if model["model_name"] == name and model["is_current_version"]:
                return str(model["model_version"])
        raise UnknownModelError(f"No versions of model {name} registered with Clipper")

    def rollback(self, name: str) -> str:
        """Let the version answer that did so before the present one; returns it. Clipper has no such method."""
        version = str(self._management.rollback_model(name)["to_version"])
        self.logger.info("Model %s is now at version %s", name, version)
        return version

    def set_traffic(self, name: str, version: object, percent: float) -> dict[str, float]:
        """Try a registered version on `percent` of the queries; the current version answers the rest, and 0 ends it.

        Which queries these are is drawn, one by one. Any switch to another version ends it, too. Returns who answers
        how much from now on, as `get_traffic` does. Clipper has no such method.
        """
        shares = _shares(self._management.set_traffic(name, str(version), percent))
        self.logger.info("Model %s is answered by %s", name, shares)
        return shares

    def get_traffic(self, name: str) -> dict[str, float]:
        """Versions of `name` that answer, and their percentages, the current one first. Clipper has no such method."""
        return _shares(self._management.get_traffic(name))

    def get_all_models(self, verbose: bool = False) -> list[Any]:
        """`name:version` of all model versions; with `verbose` what `get_model_info` says of each."""
        return self._management.get_all_models(verbose)

    def get_model_info(self, name: str, version: object) -> Answer | None:
        """What was registered as this version; None when nothing was."""
        model = self._management.get_model(name, str(version))
        if not model:
            self.logger.warning("Model %s:%s is not registered with Clipper.", name, version)
            return None
        return model


def _shares(answer: Answer) -> dict[str, float]:
    return {str(part["model_version"]): float(part["percent"]) for part in answer["traffic"]}


def _new_version(
    name: str,
    version: object,
    input_type: str,
    image: str,
    labels: Sequence[str] | None,
    batch_size: int,
    replicas: ReplicaBounds,
    serving: ServingOptions,
) -> NewVersion:
    check_serving_options(serving, batch_size)
    model = ModelId.of(name, version)
    return NewVersion(model.name, model.version, input_type, image, labels or (), batch_size, replicas, serving)
