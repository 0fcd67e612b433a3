"""The predict and update routes of an application."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from msgspec import Struct
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope

from clipper_sls.domain.identifiers import shortened
from clipper_sls.domain.query import Deadline, Query
from clipper_sls.domain.records import Application
from clipper_sls.errors import ClipperError, RequestedVersionError
from clipper_sls.http.body import read_body
from clipper_sls.http.decode import decode_predict, decode_update
from clipper_sls.http.encode import encode_batch, encode_error, encode_single
from clipper_sls.http.error_map import CODE_HEADER, status_of
from clipper_sls.http.turns import Turns
from clipper_sls.service.model_answers import Asked
from clipper_sls.service.services import PredictionServices, Services

JSON = "application/json"

logger = logging.getLogger(__name__)


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


class _Asking(Struct, frozen=True):
    """A query that was asked, and the results to come."""

    application: Application
    query: Query
    is_batch: bool
    results: Asked


class PredictRoute:
    """One query from bytes to bytes. The deadline is fixed here, when the request arrives, and nowhere else."""

    def __init__(self, services: PredictionServices, limits: InputLimits) -> None:
        self._services = services
        self._limits = limits
        self._turns = Turns(services.clock.now)

    @property
    def max_body_bytes(self) -> int:
        return self._limits.max_body_bytes

    @property
    def is_at_hand(self) -> bool:
        """Whether `begin` may be used: what is registered need not be read first."""
        return self._services.registry.is_fresh

    def begin(self, name: str, content: bytes, answered: Callable[[Answer], None]) -> None:
        """Answer a whole body without a coroutine. `answered` is called once, at once or later; it must not raise."""
        try:
            application = self._services.predictions.known_application(name)
            asking = self._ask(application, content, self._turns.arrival())
        except Exception as error:
            answered(failure_answer(name, error))
            return
        if asking.results.done():
            answered(self._finished(name, asking))
        else:
            asking.results.add_done_callback(lambda _: answered(self._finished(name, asking)))

    async def answer(self, name: str, scope: Scope, receive: Receive) -> Answer:
        """Predictions for the request that `receive` brings, or what is wrong with it. Raises ClientDisconnect."""
        arrived = self._services.clock.now()
        try:
            application = await self._services.predictions.application(name)
            content = await read_body(scope, receive, self._limits.max_body_bytes)
            asking = self._ask(application, content, arrived)
            await asking.results
            return self._finished(name, asking)
        except ClientDisconnect:
            raise
        except Exception as error:
            return failure_answer(name, error)

    async def predict(self, request: Request) -> Response:
        answer = await self.answer(request.path_params["application"], request.scope, request.receive)
        headers = {CODE_HEADER: answer.error_code} if answer.error_code else None
        return Response(answer.body, answer.status, headers, media_type=JSON)

    def _ask(self, application: Application, content: bytes, arrived: float) -> _Asking:
        body = decode_predict(application.input_type, content, self._limits.max_batch_rows)
        deadline = Deadline(arrived + application.slo_s)
        query = Query(application.name, application.input_type, body.rows, deadline, body.version)
        return _Asking(application, query, body.is_batch, self._services.predictions.ask(application, query))

    def _finished(self, name: str, asking: _Asking) -> Answer:
        try:
            results = asking.results.result()
            predictions = self._services.predictions.predictions(asking.application, asking.query, results)
            return Answer(200, encode_batch(predictions) if asking.is_batch else encode_single(predictions[0]))
        except Exception as error:
            return failure_answer(name, error)


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


def failure_answer(name: str, error: Exception) -> Answer:
    """For an error of ours, and for what nobody foresaw, which is logged."""
    if isinstance(error, ClipperError):
        return error_answer(error)
    logger.error("A prediction of application %r failed", shortened(name), exc_info=error)
    return unexpected_answer(error)


def unexpected_answer(error: Exception) -> Answer:
    """Clipper's text for what nobody foresaw."""
    return Answer(500, encode_error("An unexpected error occurred!", type(error).__name__, "error"), "error")
