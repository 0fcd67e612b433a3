"""Replicas and their logs over HTTP."""

import asyncio
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from clipper_sls.domain.identifiers import ModelId, ModelName, Version
from clipper_sls.domain.records import RegistrySnapshot
from clipper_sls.domain.replicas import PoolStatus, ReplicaStatus
from clipper_sls.errors import InvalidSettingError, UnknownModelError, UnknownVersionError
from clipper_sls.http.management import bodies
from clipper_sls.http.management.models import scaling_from
from clipper_sls.http.management.routes import Documentation, add_route
from clipper_sls.service.services import Services

TAG = "replicas"
MAX_TAIL_LINES = 100_000


class ReplicaEndpoints:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def scale(self, body: bodies.SetReplicas) -> str:
        model = self._version_or_current(body.model_name, body.model_version)
        if (body.num_replicas, body.min_replicas, body.max_replicas) == (None, None, None):
            raise InvalidSettingError("Give num_replicas, or min_replicas and max_replicas")
        scaling = scaling_from(body.num_replicas, body.min_replicas, body.max_replicas, default=1)
        await self._services.models.scale(model, scaling)
        return f"Successfully set replicas of model {model} to min {scaling.minimum}, max {scaling.maximum}"

    async def pools(self, body: bodies.SomeReplicas) -> list[Any]:
        return [_shown_pool(pool) for pool in self._selected(body.model_name, body.model_version)]

    async def list_containers(self, body: bodies.Verbose) -> list[Any]:
        types = self._services.registry.snapshot.versions
        return [
            _shown_container(pool, replica, types[pool.model].input_type.value)
            if body.verbose
            else f"{pool.model}:{replica.replica_id}"
            for pool in self._services.host.pools()
            if pool.model in types
            for replica in pool.replicas
        ]

    async def container(self, body: bodies.OneContainer) -> dict[str, Any]:
        model, types = ModelId.sought(body.model_name, body.model_version), self._services.registry.snapshot.versions
        for pool in self._services.host.pools():
            for replica in pool.replicas:
                if pool.model == model and model in types and replica.replica_id == body.replica_id:
                    return _shown_container(pool, replica, types[model].input_type.value)
        return {}

    async def logs(self, body: bodies.SomeLogs) -> list[Any]:
        if not 0 < body.tail_lines <= MAX_TAIL_LINES:
            raise InvalidSettingError(f"tail_lines must be between 1 and {MAX_TAIL_LINES}, not {body.tail_lines}")
        models = [version.id for version in self._services.registry.snapshot.versions.values()]
        files = [
            (model, path)
            for model in models
            if _fits(model, body.model_name, body.model_version)
            for path in self._services.host.log_files(model)
            if body.replica_id is None or path.stem == str(body.replica_id)
        ]
        return [await asyncio.to_thread(_shown_log, model, path, body.tail_lines) for model, path in files]

    def _selected(self, name: str | None, version: str | int | None) -> list[PoolStatus]:
        snapshot = self._services.registry.snapshot
        if name is not None:
            _check_known(snapshot, ModelName.sought(name), None if version is None else Version.sought(str(version)))
        return [pool for pool in self._services.host.pools() if _fits(pool.model, name, version)]

    def _version_or_current(self, name: str, version: str | int | None) -> ModelId:
        if version is not None:
            return ModelId.sought(name, version)
        current = self._services.registry.snapshot.current(ModelName.sought(name))
        if current is None:
            raise UnknownModelError(f"No versions of model {name} registered with Clipper")
        return current.id


def _check_known(snapshot: RegistrySnapshot, name: ModelName, version: Version | None) -> None:
    if not snapshot.versions_of(name):
        raise UnknownModelError(f"No model with name '{name}' exists.")
    if version is not None and ModelId(name, version) not in snapshot.versions:
        raise UnknownVersionError(f"model with name '{name}' and version '{version}' does not exist")


def _fits(model: ModelId, name: str | None, version: str | int | None) -> bool:
    return name in (None, model.name) and (version is None or str(version) == model.version)


def _shown_pool(pool: PoolStatus) -> dict[str, Any]:
    return {
        "model_name": pool.model.name,
        "model_version": pool.model.version,
        "health": pool.health.value,
        "min_replicas": pool.scaling.minimum,
        "max_replicas": pool.scaling.maximum,
        "ready_replicas": pool.ready_replicas,
        "queued_rows": pool.queued_rows,
        "consecutive_crashes": pool.consecutive_crashes,
        "last_error": pool.last_error,
        "url": pool.url,
        "replicas": [_shown_replica(replica) for replica in pool.replicas],
    }


def _shown_replica(replica: ReplicaStatus) -> dict[str, Any]:
    return {
        "replica_id": replica.replica_id,
        "state": replica.state.value,
        "pid": replica.pid,
        "log_path": replica.log_path,
        "started_at": replica.started_at,
        "rows_answered": replica.rows_answered,
    }


def _shown_container(pool: PoolStatus, replica: ReplicaStatus, input_type: str) -> dict[str, Any]:
    """Clipper's fields."""
    return {
        "model_id": str(pool.model),
        "model_name": pool.model.name,
        "model_version": pool.model.version,
        "model_replica_id": replica.replica_id,
        "input_type": input_type,
    }


def _shown_log(model: ModelId, path: Path, tail_lines: int) -> dict[str, Any]:
    lines = path.read_text(errors="replace").splitlines()
    return {
        "model_name": model.name,
        "model_version": model.version,
        "replica_id": int(path.stem),
        "path": str(path),
        "text": "\n".join(lines[-tail_lines:]),
    }


def add_replica_routes(app: FastAPI, services: Services) -> None:
    endpoints = ReplicaEndpoints(services)

    def json(summary: str) -> Documentation:
        return Documentation(summary, TAG, answers_json=True)

    set_text = Documentation("Change how many replicas run", TAG, answers_json=False)
    add_route(app, "set_num_replicas", bodies.SetReplicas, endpoints.scale, set_text)
    add_route(app, "get_replicas", bodies.SomeReplicas, endpoints.pools, json("Replicas and health by version"))
    add_route(app, "get_all_containers", bodies.Verbose, endpoints.list_containers, json("List replicas"))
    add_route(app, "get_container", bodies.OneContainer, endpoints.container, json("One replica, or {}"))
    add_route(app, "get_logs", bodies.SomeLogs, endpoints.logs, json("The ends of the replicas' logs"))
