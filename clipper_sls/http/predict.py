"""The predict and update routes of an application."""

from dataclasses import dataclass

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope

from clipper_sls.domain.query import Deadline, Query
from clipper_sls.errors import ClipperError, RequestedVersionError
from clipper_sls.http.body import read_body
from clipper_sls.http.decode import decode_predict, decode_update
from clipper_sls.http.encode import encode_batch, encode_error, encode_single
from clipper_sls.http.error_map import CODE_HEADER, status_of
from clipper_sls.service.services import PredictionServices, Services

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class InputLimits:
    """How much one request may bring."""

    max_body_bytes: int
    max_batch_rows: int


class Answer(Struct, frozen=True, gc=False):
    """A JSON response, not yet of any framework. `error_code` goes into a header."""

    status: int
    body: bytes
    error_code: str | None = None


class PredictRoute:
    """One query from bytes to bytes. The deadline is fixed here, when the request arrives, and nowhere else."""

    def __init__(self, services: PredictionServices, limits: InputLimits) -> None:
        self._services = services
        self._limits = limits

    async def answer(self, application: str, scope: Scope, receive: Receive) -> Answer:
        """Predictions for the request that `receive` brings, or the error that says what is wrong with it."""
        arrived = self._services.clock.now()
        try:
            return Answer(200, await self._predictions(application, scope, receive, arrived))
        except ClipperError as error:
            return error_answer(error)

    async def predict(self, request: Request) -> Response:
        answer = await self.answer(request.path_params["application"], request.scope, request.receive)
        headers = {CODE_HEADER: answer.error_code} if answer.error_code else None
        return Response(answer.body, answer.status, headers, media_type=JSON)

    async def _predictions(self, name: str, scope: Scope, receive: Receive, arrived: float) -> bytes:
        application = await self._services.predictions.application(name)
        content = await read_body(scope, receive, self._limits.max_body_bytes)
        body = decode_predict(application.input_type, content, self._limits.max_batch_rows)
        deadline = Deadline(arrived + application.slo_s)
        query = Query(application.name, application.input_type, body.rows, deadline, body.version)
        predictions = await self._services.predictions.predict(application, query)
        return encode_batch(predictions) if body.is_batch else encode_single(predictions[0])


class UpdateRoute:
    """Feedback, from bytes to a text."""

    def __init__(self, services: Services, limits: InputLimits) -> None:
        self._services = services
        self._limits = limits

    async def update(self, request: Request) -> Response:
        try:
            return await self._update(request)
        except ClipperError as error:
            return PlainTextResponse(error.msg, status_of(error), {CODE_HEADER: error.code})

    async def _update(self, request: Request) -> Response:
        application = await self._services.predictions.application(request.path_params["application"])
        content = await read_body(request.scope, request.receive, self._limits.max_body_bytes)
        body = decode_update(application.input_type, content)
        await self._services.feedback.record(application, body.user_id, body.input_json, body.label)
        return PlainTextResponse("Feedback received? 1")


def error_answer(error: ClipperError) -> Answer:
    """Clipper's error object, with our code beside it."""
    if isinstance(error, RequestedVersionError):
        name = "Query processing error"
    elif error.msg.startswith("Error parsing JSON"):
        name = "Json error"
    else:
        name = error.code.replace("_", " ").capitalize()
    return Answer(status_of(error), encode_error(name, error.msg, error.code), error.code)


def unexpected_answer(error: Exception) -> Answer:
    """Clipper's text for what nobody foresaw."""
    return Answer(500, encode_error("An unexpected error occurred!", type(error).__name__, "error"), "error")
