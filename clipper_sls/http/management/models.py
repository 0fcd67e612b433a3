"""Models and their versions over HTTP. Texts are Clipper's where it has the request."""

import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from clipper_sls.domain.endpoint import Endpoint
from clipper_sls.domain.identifiers import ModelId, ModelName, Version
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import ModelVersion, Scaling
from clipper_sls.domain.serving_options import options_of, serving_from
from clipper_sls.domain.traffic import shares
from clipper_sls.errors import ClipperError, InvalidSettingError, UnknownModelError
from clipper_sls.http.body import bounded_stream
from clipper_sls.http.management import bodies
from clipper_sls.http.management.routes import TEXT, Documentation, add_route, answered, error_text
from clipper_sls.service.services import Services

TAG = "models"

_BUNDLE_IMAGE = re.compile(r"@sha256:([0-9a-f]{64})\Z")


class ModelEndpoints:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def add(self, body: bodies.AddModel) -> str:
        version = _version_from(body, self._services.clock.wall())
        await self._services.models.add(version, body.make_current)
        return f"Successfully added model with name '{body.model_name}' and input type '{version.input_type}'"

    async def delete(self, body: bodies.OneVersion) -> str:
        model = ModelId.sought(body.model_name, body.model_version)
        await self._services.models.delete(model)
        return f"Successfully deleted model with name '{model.name}' and version '{model.version}'"

    async def set_version(self, body: bodies.OneVersion) -> str:
        model = ModelId.sought(body.model_name, body.model_version)
        await self._services.models.set_current(model.name, model.version)
        return f"Successfully set model with name '{model.name}' to version '{model.version}'"

    async def roll_back(self, body: bodies.OneModel) -> dict[str, Any]:
        done = await self._services.models.roll_back(ModelName.sought(body.model_name))
        return {"model_name": done.model, "from_version": done.from_version, "to_version": done.to_version}

    async def set_traffic(self, body: bodies.SetTraffic) -> dict[str, Any]:
        model, version = ModelName.sought(body.model_name), Version.sought(str(body.model_version))
        await self._services.models.set_canary(model, version, body.percent)
        return self._traffic(model)

    async def traffic(self, body: bodies.OneModel) -> dict[str, Any]:
        return self._traffic(ModelName.sought(body.model_name))

    def _traffic(self, model: ModelName) -> dict[str, Any]:
        parts = shares(self._services.registry.snapshot, model)
        traffic = [{"model_version": version, "percent": percent} for version, percent in parts]
        return {"model_name": model, "traffic": traffic}

    async def history(self, body: bodies.OneModel) -> list[Any]:
        model, snapshot = ModelName.sought(body.model_name), self._services.registry.snapshot
        if not snapshot.versions_of(model):
            raise UnknownModelError(f"No model with name '{model}' exists.")
        current = snapshot.currents.get(model)
        return [{"version": switch.version, "at": switch.at} for switch in (current.history if current else ())]

    async def list_all(self, body: bodies.Verbose) -> list[Any]:
        versions = self._services.registry.snapshot.versions.values()
        return [self._shown(version) if body.verbose else str(version.id) for version in versions]

    async def get(self, body: bodies.OneVersion) -> dict[str, Any]:
        model = ModelId.sought(body.model_name, body.model_version)
        found = self._services.registry.snapshot.versions.get(model)
        return self._shown(found) if found else {}

    def _shown(self, version: ModelVersion) -> dict[str, Any]:
        current = self._services.registry.snapshot.current(version.id.name)
        return {
            "model_name": version.id.name,
            "model_version": version.id.version,
            "input_type": version.input_type.value,
            "labels": list(version.labels),
            "container_name": version.container_name,
            "model_data_path": version.model_data_path,
            "is_current_version": current is not None and current.id == version.id,
            "batch_size": version.batch_size,
            "bundle_digest": version.bundle_digest,
            "url": version.endpoint and version.endpoint.url,
            "function": version.function and asdict(version.function),
            "min_replicas": version.scaling.minimum,
            "max_replicas": version.scaling.maximum,
            **options_of(version.serving, version.batch_size),
            "registered_at": version.registered_at,
        }


def _version_from(body: bodies.AddModel, registered_at: float) -> ModelVersion:
    found = _BUNDLE_IMAGE.search(body.container_name)
    digest = found.group(1) if found else None
    scaling = scaling_from(body.num_replicas, body.min_replicas, body.max_replicas, default=1 if digest else 0)
    for label in body.labels:
        if "," in label or ":" in label:
            raise InvalidSettingError(f"Invalid label supplied: {label}. Contains one of: ',', ':'")
    return ModelVersion(
        id=ModelId(ModelName(body.model_name), Version(str(body.model_version))),
        input_type=InputType.parse(body.input_type),
        container_name=body.container_name,
        model_data_path=body.model_data_path,
        labels=tuple(body.labels),
        batch_size=body.batch_size,
        bundle_digest=digest,
        endpoint=None if body.url is None else Endpoint.parse(body.url),
        scaling=scaling,
        serving=serving_from(body.serving_options, body.batch_size),
        registered_at=registered_at,
    )


def scaling_from(count: int | None, minimum: int | None, maximum: int | None, *, default: int) -> Scaling:
    """`count` replicas, or between `minimum` and `maximum`; a bound that is left out follows the other one."""
    if minimum is None and maximum is None:
        return Scaling.fixed(default if count is None else count)
    if count is not None:
        raise InvalidSettingError("Give num_replicas, or min_replicas and max_replicas, not both")
    least = min(default, maximum if maximum is not None else default) if minimum is None else minimum
    return Scaling(least, max(least, default) if maximum is None else maximum)


def add_model_routes(app: FastAPI, services: Services, max_bundle_bytes: int) -> None:
    endpoints = ModelEndpoints(services)

    def text(summary: str) -> Documentation:
        return Documentation(summary, TAG, answers_json=False)

    def json(summary: str) -> Documentation:
        return Documentation(summary, TAG, answers_json=True)

    add_route(app, "add_model", bodies.AddModel, endpoints.add, text("Start, register and switch to a version"))
    add_route(app, "delete_versioned_model", bodies.OneVersion, endpoints.delete, text("Delete a version"))
    add_route(app, "set_model_version", bodies.OneVersion, endpoints.set_version, text("Make a version current"))
    add_route(app, "rollback_model", bodies.OneModel, endpoints.roll_back, json("Back to the version before"))
    add_route(app, "set_traffic", bodies.SetTraffic, endpoints.set_traffic, json("Try a version on a share of queries"))
    add_route(app, "get_traffic", bodies.OneModel, endpoints.traffic, json("Versions that answer, and their shares"))
    add_route(app, "get_model_history", bodies.OneModel, endpoints.history, json("Versions by time of answering"))
    add_route(app, "get_all_models", bodies.Verbose, endpoints.list_all, json("List versions of all models"))
    add_route(app, "get_model", bodies.OneVersion, endpoints.get, json("One version, or {}"))
    _add_upload(app, services, max_bundle_bytes)


def _add_upload(app: FastAPI, services: Services, max_bundle_bytes: int) -> None:
    async def upload_bundle(request: Request) -> Response:
        try:
            digest = await services.models.upload_bundle(
                bounded_stream(request.scope, request.receive, max_bundle_bytes)
            )
        except ClipperError as error:
            return error_text(error)
        return answered({"bundle_digest": digest})

    archive = {"application/x-tar": {"schema": {"type": "string", "format": "binary"}}}
    refusals = {400: "Not a bundle", 401: "Token", 403: "Forbidden", 413: "Too large", 503: "Disk", 507: "No space"}
    register: Callable[..., Any] = app.add_api_route
    register(
        "/admin/upload_bundle",
        upload_bundle,
        methods=["POST"],
        summary="Keep a bundle; returns its digest",
        tags=[TAG],
        operation_id="upload_bundle",
        openapi_extra={"requestBody": {"required": True, "content": archive}},
        responses={status: {"description": text, "content": TEXT} for status, text in refusals.items()},
        response_class=Response,
    )
