"""The methods of `ClipperConnection` about what runs: which version answers, how many replicas, and ending them."""

from collections.abc import Collection, Mapping
from pprint import pformat
from typing import Any

from clipper_sls.domain.records import CONTAINERLESS_IMAGE
from clipper_sls.domain.replicas import ReplicaState
from clipper_sls.errors import ContainerlessModelError, UnknownModelError, UnknownVersionError
from clipper_sls.sdk.management_client import Answer, ReplicaBounds
from clipper_sls.sdk.model_methods import ModelMethods


class ReplicaMethods(ModelMethods):
    """Every method raises UnconnectedException without a connection, and ClipperException when the engine refuses.

    A version that is left out is the current one. Stopping a version ends its replicas and forgets it.
    """

    def get_num_replicas(self, name: str, version: object = None) -> int:
        """How many replicas run, those that are starting included."""
        chosen = self._version_or_current(name, version)
        return sum(_is_running(replica) for pool in self._pools(name, chosen) for replica in pool["replicas"])

    def set_num_replicas(self, name: str, num_replicas: int, version: object = None) -> None:
        """Start or stop replicas until there are `num_replicas`; returns when the new ones are ready."""
        chosen = self._version_or_current(name, version)
        model = self.get_model_info(name, chosen)
        if model is None:
            raise UnknownVersionError(f"Cannot add container for non-registered model {name}:{chosen}")
        if model["container_name"] == CONTAINERLESS_IMAGE:
            raise ContainerlessModelError(f"Cannot resize the replica set for containerless model {name}:{chosen}")
        self._management.set_num_replicas(name, chosen, ReplicaBounds(num_replicas))

    def set_model_version(self, name: str, version: object, num_replicas: int | None = None) -> None:
        """Roll back or forward: from now on `version`, which must be registered, answers. May resize it as well."""
        self._management.set_model_version(name, str(version))
        if num_replicas is not None:
            self.set_num_replicas(name, num_replicas, version)

    def get_replica_status(self, name: str | None = None, version: object = None) -> list[Answer]:
        """How each version is doing, with its replicas, of one model or of all. Clipper has no such method."""
        return self._management.get_replicas(name, None if version is None else str(version))

    def get_all_model_replicas(self, verbose: bool = False) -> list[Any]:
        """`name:version:replica` of all replicas; with `verbose` what `get_model_replica_info` says of each."""
        return self._management.get_all_containers(verbose)

    def get_model_replica_info(self, name: str, version: object, replica_id: int) -> Answer | None:
        """What is known of one replica; None when there is none with this id."""
        replica = self._management.get_container(name, str(version), replica_id)
        if not replica:
            self.logger.warning("No model replica with ID %s found for model %s:%s", replica_id, name, version)
            return None
        return replica

    def stop_models(self, model_names: Collection[str]) -> None:
        """Stop and forget all versions of the named models."""
        self._stop([model for model in self.get_all_models(verbose=True) if model["model_name"] in model_names])

    def stop_versioned_models(self, model_versions_dict: Mapping[str, Collection[object]]) -> None:
        """Stop and forget the versions that are listed under their model's name, current ones included."""
        self._check_connected()
        self._unregister_versioned_models(model_versions_dict)
        self.logger.info("Stopped all containers for these models and versions:\n%s", pformat(model_versions_dict))

    def stop_inactive_model_versions(self, model_names: Collection[str]) -> None:
        """Stop and forget those versions of the named models that are not current."""
        models = self.get_all_models(verbose=True)
        self._stop([m for m in models if m["model_name"] in model_names and not m["is_current_version"]])

    def stop_all_model_containers(self) -> None:
        """Stop and forget every version of every model."""
        self._stop(self.get_all_models(verbose=True))

    def _stop(self, models: list[Answer]) -> None:
        versions: dict[str, list[object]] = {}
        for model in models:
            versions.setdefault(model["model_name"], []).append(model["model_version"])
        self.stop_versioned_models(versions)

    def _unregister_versioned_models(self, model_versions_dict: Mapping[str, Collection[object]]) -> None:
        for name, versions in model_versions_dict.items():
            for version in versions:
                self._management.delete_versioned_model(name, str(version))

    def _version_or_current(self, name: str, version: object) -> str:
        self._check_connected()
        return self.get_current_model_version(name) if version is None else str(version)

    def _pools(self, name: str, version: str) -> list[Answer]:
        """Nothing, as with Clipper, for a version that is not registered."""
        try:
            return self._management.get_replicas(name, version)
        except (UnknownModelError, UnknownVersionError):
            return []


def _is_running(replica: Mapping[str, Any]) -> bool:
    """On AWS Lambda no replica has a process that anybody sees, and those that are shown are ready."""
    is_there = replica["pid"] is not None or replica["state"] in (ReplicaState.READY, ReplicaState.BUSY)
    return is_there and replica["state"] != ReplicaState.STOPPING
