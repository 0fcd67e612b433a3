"""Lambda's Invoke path over HTTP: a batch of packed rows in, one result per row out.

What answers it elsewhere is the Lambda Runtime Interface Emulator, so whoever calls a model's image need not know below
what it runs. Event and result are described in `clipper_sls.domain.envelope`.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from clipper_sls.domain.envelope import TIMEOUT_HEADER, unpack_event
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.query import Deadline, DefaultReason, Predicted, RowResult, Unanswered
from clipper_sls.domain.records import ModelVersion
from clipper_sls.errors import ClipperError, IncompatibleInputTypeError, MalformedRequestError, RequestTooLargeError
from clipper_sls.http.answers import JSON
from clipper_sls.http.body import read_body
from clipper_sls.http.error_map import CODE_HEADER, status_of
from clipper_sls.http.predict import InputLimits
from clipper_sls.service.services import PredictionServices

_NOTHING = msgspec.Raw(b"null")


class _Result(msgspec.Struct, omit_defaults=True):
    outputs: list[msgspec.Raw]
    errors: list[tuple[int, str]]
    unanswered: list[tuple[int, str, str]] = []


class InvocationsRoute:
    """Batches of `version`; `timeout_s` is for callers that do not say how long they wait."""

    def __init__(
        self, services: PredictionServices, version: ModelVersion, limits: InputLimits, timeout_s: float
    ) -> None:
        self._services = services
        self._version = version
        self._limits = limits
        self._timeout_s = timeout_s

    async def invoke(self, request: Request) -> Response:
        arrived = self._services.clock.now()
        try:
            deadline = Deadline(arrived + _timeout_s(request.headers.get(TIMEOUT_HEADER), self._timeout_s))
            rows = self._rows(await read_body(request.scope, request.receive, self._limits.max_body_bytes))
            results = await self._services.predictions.predict_rows(self._version, rows, deadline)
        except ClipperError as error:
            body = msgspec.json.encode({"errorType": error.code, "errorMessage": error.msg})
            return Response(body, status_of(error), {CODE_HEADER: error.code}, media_type=JSON)
        return Response(_encoded(results), media_type=JSON)

    def _rows(self, content: bytes) -> Sequence[bytes]:
        input_type, rows = unpack_event(_event(content))
        _check_type(input_type, self._version)
        if len(rows) > self._limits.max_batch_rows:
            raise RequestTooLargeError(
                f"The event has {len(rows)} rows; at most {self._limits.max_batch_rows} are taken at once"
            )
        return rows


def _event(content: bytes) -> dict[str, Any]:
    try:
        event = msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedRequestError(f"The event is not JSON: {error}") from error
    if not isinstance(event, dict):
        raise MalformedRequestError(f"The event is a JSON {type(event).__name__}, not an object")
    return event


def _check_type(input_type: InputType, version: ModelVersion) -> None:
    if input_type is not version.input_type:
        raise IncompatibleInputTypeError(
            f"The event's rows are {input_type}, and model {version.id} takes {version.input_type}"
        )


def _timeout_s(header: str | None, default_s: float) -> float:
    if header is None:
        return default_s
    try:
        return max(0.0, min(float(header), default_s * 1000)) / 1000
    except ValueError as error:
        raise MalformedRequestError(f"{TIMEOUT_HEADER} is {header!r}, not a number of milliseconds") from error


def _encoded(results: Sequence[RowResult]) -> bytes:
    outputs, errors, unanswered = [], [], []
    for index, result in enumerate(results):
        outputs.append(msgspec.Raw(result.output) if type(result) is Predicted else _NOTHING)
        if type(result) is Unanswered and result.reason is DefaultReason.MODEL_FAILED:
            errors.append((index, result.detail))
        elif type(result) is Unanswered:
            unanswered.append((index, result.reason.value, result.detail))
    return msgspec.json.encode(_Result(outputs, errors, unanswered))
