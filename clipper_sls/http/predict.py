"""The predict and update routes of an application."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from clipper_sls.domain.query import Deadline, Query
from clipper_sls.errors import ClipperError, RequestedVersionError
from clipper_sls.http.body import read_body
from clipper_sls.http.decode import decode_predict, decode_update
from clipper_sls.http.encode import encode_batch, encode_error, encode_single
from clipper_sls.http.error_map import CODE_HEADER, status_of
from clipper_sls.service.services import Services

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class InputLimits:
    """How much one request may bring."""

    max_body_bytes: int
    max_batch_rows: int


class PredictRoutes:
    """One query from bytes to bytes. The deadline is fixed here, when the request arrives, and nowhere else."""

    def __init__(self, services: Services, limits: InputLimits) -> None:
        self._services = services
        self._limits = limits

    async def predict(self, request: Request) -> Response:
        arrived = self._services.clock.now()
        try:
            return await self._predict(request, arrived)
        except ClipperError as error:
            return error_response(error)

    async def update(self, request: Request) -> Response:
        try:
            return await self._update(request)
        except ClipperError as error:
            return PlainTextResponse(error.msg, status_of(error), {CODE_HEADER: error.code})

    async def _predict(self, request: Request, arrived: float) -> Response:
        application = await self._services.predictions.application(request.path_params["application"])
        content = await read_body(request, self._limits.max_body_bytes)
        body = decode_predict(application.input_type, content, self._limits.max_batch_rows)
        deadline = Deadline(arrived + application.slo_s)
        query = Query(application.name, application.input_type, body.rows, deadline, body.version)
        predictions = await self._services.predictions.predict(application, query)
        answer = encode_batch(predictions) if body.is_batch else encode_single(predictions[0])
        return Response(answer, media_type=JSON)

    async def _update(self, request: Request) -> Response:
        application = await self._services.predictions.application(request.path_params["application"])
        content = await read_body(request, self._limits.max_body_bytes)
        body = decode_update(application.input_type, content)
        await self._services.feedback.record(application, body.user_id, body.input_json, body.label)
        return PlainTextResponse("Feedback received? 1")


Endpoint = Callable[[Request], Awaitable[Response]]


def error_response(error: ClipperError) -> Response:
    """Clipper's error object, with our code beside it."""
    if isinstance(error, RequestedVersionError):
        name = "Query processing error"
    elif error.msg.startswith("Error parsing JSON"):
        name = "Json error"
    else:
        name = error.code.replace("_", " ").capitalize()
    return Response(
        encode_error(name, error.msg, error.code), status_of(error), {CODE_HEADER: error.code}, media_type=JSON
    )
