"""The endpoints of the protocol."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from clipper_sls import __version__
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.query import Deadline
from clipper_sls.domain.records import ModelVersion
from clipper_sls.domain.replicas import Health
from clipper_sls.errors import ClipperError, MalformedRequestError
from clipper_sls.http.body import read_body
from clipper_sls.http.error_map import CODE_HEADER, status_of
from clipper_sls.http.oip import openapi
from clipper_sls.http.oip.messages import (
    HEADER_LENGTH,
    INPUT_NAME,
    OUTPUT_NAME,
    decode_index,
    decode_infer,
    encode_error,
    encode_infer,
)
from clipper_sls.http.oip.outputs import output_tensor, outputs_of
from clipper_sls.http.oip.rows import DATATYPE_OF, packed_rows
from clipper_sls.http.oip.tensors import FP64
from clipper_sls.service.services import Services

JSON = "application/json"
PLATFORM = "clipper-sls"
EXTENSIONS = ("binary_tensor_data", "model_repository")
MAX_INDEX_BODY_BYTES = 64 * 1024

_ANSWERING = frozenset({Health.HEALTHY, Health.ASLEEP})
"""A version that sleeps wakes on the next request, so it is ready."""

Endpoint = Callable[[Request], Awaitable[Response]]
Readiness = Callable[[], dict[str, Any]]


class OipEndpoints:
    """Each method is one request, from bytes to bytes."""

    def __init__(
        self, services: Services, *, is_ready: Readiness, slo_s: float, max_body_bytes: int, max_batch_rows: int
    ) -> None:
        self._services = services
        self._is_ready = is_ready
        self._slo_s = slo_s
        self._max_body_bytes = max_body_bytes
        self._max_batch_rows = max_batch_rows

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

    async def infer(self, request: Request) -> Response:
        """The deadline is fixed when the request arrives, as for applications."""
        deadline = Deadline(self._services.clock.now() + self._slo_s)
        version = await self._named(request)
        _check_encoding(request)
        content = await read_body(request.scope, request.receive, self._max_body_bytes)
        asked = decode_infer(content, request.headers.get(HEADER_LENGTH))
        rows = packed_rows(asked.tensor, version.input_type, is_base64=asked.is_base64, max_rows=self._max_batch_rows)
        results = await self._services.predictions.predict_rows(version, rows, deadline)
        body, headers = encode_infer(version.id, asked, output_tensor(outputs_of(version.id, results)))
        return Response(body, headers=headers)

    async def index(self, request: Request) -> Response:
        wants_ready_only = decode_index(await read_body(request.scope, request.receive, MAX_INDEX_BODY_BYTES))
        answering = self._answering()
        models = [
            model for model in self._services.registry.snapshot.versions if model in answering or not wants_ready_only
        ]
        return _json([_index_entry(model, model in answering) for model in models])

    async def _named(self, request: Request) -> ModelVersion:
        """The version that the URL names. Raises NotServedError."""
        return await self._services.predictions.model_version(
            request.path_params["model"], request.path_params.get("version")
        )

    def _answering(self) -> frozenset[ModelId]:
        return frozenset(pool.model for pool in self._services.host.pools() if pool.health in _ANSWERING)


def oip_router(
    services: Services, *, is_ready: Readiness, slo_s: float, max_body_bytes: int, max_batch_rows: int
) -> APIRouter:
    """Routes under `/v2`. `slo_s` is the latency objective of a request; `is_ready` as in `http.health`."""
    router = APIRouter(prefix="/v2", tags=["open inference protocol"])
    endpoints = OipEndpoints(
        services, is_ready=is_ready, slo_s=slo_s, max_body_bytes=max_body_bytes, max_batch_rows=max_batch_rows
    )
    _add(router, "GET", "", endpoints.server, openapi.SERVER)
    _add(router, "GET", "/health/live", endpoints.live, openapi.LIVE)
    _add(router, "GET", "/health/ready", endpoints.ready, openapi.READY)
    _add(router, "POST", "/repository/index", endpoints.index, openapi.INDEX)
    for path in ("/models/{model}", "/models/{model}/versions/{version}"):
        _add(router, "GET", path, endpoints.model, openapi.MODEL)
        _add(router, "GET", f"{path}/ready", endpoints.model_ready, openapi.MODEL_READY)
        _add(router, "POST", f"{path}/infer", endpoints.infer, openapi.INFER)
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


def _check_encoding(request: Request) -> None:
    """Some clients can compress; a small body that grows in memory is not worth what it saves on the way."""
    encoding = request.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise MalformedRequestError(f"The body has Content-Encoding {encoding}; send it uncompressed")


def _json(answer: Any, status: int = 200) -> Response:
    """`enc_hook`: names are subclasses of `str`, and msgspec leaves those to us."""
    return Response(msgspec.json.encode(answer, enc_hook=str), status, media_type=JSON)


def _input_metadata(version: ModelVersion) -> dict[str, Any]:
    shape = [-1, -1] if version.input_type.is_numeric else [-1]
    return {"name": INPUT_NAME, "datatype": DATATYPE_OF[version.input_type], "shape": shape}


def _index_entry(model: ModelId, is_ready: bool) -> dict[str, str]:
    state = "READY" if is_ready else "UNAVAILABLE"
    return {"name": model.name, "version": model.version, "state": state, "reason": ""}
