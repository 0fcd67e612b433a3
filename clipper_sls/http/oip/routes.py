"""The endpoints of the protocol."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from clipper_sls import __version__
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.records import ModelVersion
from clipper_sls.domain.replicas import Health
from clipper_sls.errors import ClipperError
from clipper_sls.http.body import read_body
from clipper_sls.http.error_map import CODE_HEADER, status_of
from clipper_sls.http.oip import openapi
from clipper_sls.http.oip.infer import InferEndpoint
from clipper_sls.http.oip.messages import (
    INPUT_NAME,
    OUTPUT_NAME,
    decode_index,
    encode_error,
)
from clipper_sls.http.oip.rows import DATATYPE_OF
from clipper_sls.http.oip.tensors import FP64
from clipper_sls.http.predict import EndsAt
from clipper_sls.service.services import HostingServices

JSON = "application/json"
PLATFORM = "clipper-sls"
EXTENSIONS = ("binary_tensor_data", "model_repository")
MAX_INDEX_BODY_BYTES = 64 * 1024
MODEL_PATHS = ("/models/{model}", "/models/{model}/versions/{version}")

_ANSWERING = frozenset({Health.HEALTHY, Health.ASLEEP})
"""A version that sleeps wakes on the next request, so it is ready."""

Endpoint = Callable[[Request], Awaitable[Response]]
Readiness = Callable[[], dict[str, Any]]


class OipEndpoints:
    """Each method is one request, from bytes to bytes."""

    def __init__(self, services: HostingServices, *, is_ready: Readiness, infer: InferEndpoint) -> None:
        self._services = services
        self._is_ready = is_ready
        self.infer = infer.infer
        self._named = infer.named

    async def server(self, request: Request) -> Response:
        return _json({"name": PLATFORM, "version": __version__, "extensions": EXTENSIONS})

    async def live(self, request: Request) -> Response:
        return _json({"live": True})

    async def ready(self, request: Request) -> Response:
        """The protocol's text calls the key "live", its implementations "ready"."""
        is_ready = bool(self._is_ready()["ready"])
        return _json({"live": True, "ready": is_ready}, 200 if is_ready else 503)

    async def model(self, request: Request) -> Response:
        version = await self._named(request)
        name, wanted = version.id.name, request.path_params.get("version")
        known = [version] if wanted is not None else self._services.registry.snapshot.versions_of(name)
        return _json(
            {
                "name": name,
                "versions": [one.id.version for one in known],
                "platform": PLATFORM,
                "inputs": [_input_metadata(version)],
                "outputs": [{"name": OUTPUT_NAME, "datatype": FP64, "shape": [-1, -1]}],
            }
        )

    async def model_ready(self, request: Request) -> Response:
        model = (await self._named(request)).id
        is_ready = model in self._answering()
        return _json({"name": model.name, "ready": is_ready}, 200 if is_ready else 503)

    async def index(self, request: Request) -> Response:
        wants_ready_only = decode_index(await read_body(request.scope, request.receive, MAX_INDEX_BODY_BYTES))
        answering = self._answering()
        models = [
            model for model in self._services.registry.snapshot.versions if model in answering or not wants_ready_only
        ]
        return _json([_index_entry(model, model in answering) for model in models])

    def _answering(self) -> frozenset[ModelId]:
        return frozenset(pool.model for pool in self._services.host.pools() if pool.health in _ANSWERING)


def oip_router(
    services: HostingServices,
    *,
    is_ready: Readiness,
    slo_s: float,
    max_body_bytes: int,
    max_batch_rows: int,
    ends_at: EndsAt | None = None,
) -> APIRouter:
    """Routes under `/v2`. `slo_s` is the latency objective of a request; `is_ready` as in `http.health`; `ends_at` as
    in `http.predict`."""
    router = APIRouter(prefix="/v2", tags=["open inference protocol"])
    infer = InferEndpoint(
        services, slo_s=slo_s, max_body_bytes=max_body_bytes, max_batch_rows=max_batch_rows, ends_at=ends_at
    )
    endpoints = OipEndpoints(services, is_ready=is_ready, infer=infer)
    _add(router, "GET", "", endpoints.server, openapi.SERVER)
    _add(router, "GET", "/health/live", endpoints.live, openapi.LIVE)
    _add(router, "GET", "/health/ready", endpoints.ready, openapi.READY)
    _add(router, "POST", "/repository/index", endpoints.index, openapi.INDEX)
    for path in MODEL_PATHS:
        _add(router, "GET", path, endpoints.model, openapi.MODEL)
        _add(router, "GET", f"{path}/ready", endpoints.model_ready, openapi.MODEL_READY)
        _add(router, "POST", f"{path}/infer", endpoints.infer, openapi.INFER)
    return router


def infer_router(infer: InferEndpoint) -> APIRouter:
    """Of the routes under `/v2`, those that ask a model."""
    router = APIRouter(prefix="/v2")
    for path in MODEL_PATHS:
        _add(router, "POST", f"{path}/infer", infer.infer, openapi.INFER)
    return router


def _add(router: APIRouter, method: str, path: str, endpoint: Endpoint, operation: dict[str, Any]) -> None:
    async def guarded(request: Request) -> Response:
        try:
            return await endpoint(request)
        except ClipperError as error:
            headers = {CODE_HEADER: error.code}
            return Response(encode_error(error.msg), status_of(error), headers, media_type=JSON)

    scope = "_version" if "{version}" in path else ""
    router.add_api_route(
        path,
        guarded,
        methods=[method],
        operation_id=f"oip_{operation['operationId']}{scope}",
        summary=operation["summary"],
        response_class=Response,
        responses=operation["responses"],
        openapi_extra=openapi.request_of(operation, path),
    )


def _json(answer: Any, status: int = 200) -> Response:
    """`enc_hook`: names are subclasses of `str`, and msgspec leaves those to us."""
    return Response(msgspec.json.encode(answer, enc_hook=str), status, media_type=JSON)


def _input_metadata(version: ModelVersion) -> dict[str, Any]:
    shape = [-1, -1] if version.input_type.is_numeric else [-1]
    return {"name": INPUT_NAME, "datatype": DATATYPE_OF[version.input_type], "shape": shape}


def _index_entry(model: ModelId, is_ready: bool) -> dict[str, str]:
    state = "READY" if is_ready else "UNAVAILABLE"
    return {"name": model.name, "version": model.version, "state": state, "reason": ""}
