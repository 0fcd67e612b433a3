"""One management request from bytes to bytes, whatever it asks for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from clipper_sls.errors import ClipperError
from clipper_sls.http.body import read_body
from clipper_sls.http.error_map import CODE_HEADER, status_of
from clipper_sls.http.management.bodies import read

MAX_BODY_BYTES = 1024 * 1024

B = TypeVar("B", bound=msgspec.Struct)
Answer = str | list[Any] | dict[str, Any]
"""Text is answered as text, as Clipper does; anything else as JSON."""


@dataclass(frozen=True, slots=True)
class Documentation:
    """What OpenAPI says of a route."""

    summary: str
    tag: str
    answers_json: bool


def error_text(error: ClipperError) -> Response:
    return PlainTextResponse(error.msg, status_of(error), {CODE_HEADER: error.code})


def add_route(
    app: FastAPI,
    name: str,
    body: type[B],
    handle: Callable[[B], Awaitable[Answer]],
    documentation: Documentation,
) -> None:
    """`POST /admin/<name>` with a JSON object that fits `body`."""

    async def endpoint(request: Request) -> Response:
        try:
            content = await read_body(request.scope, request.receive, MAX_BODY_BYTES)
            return answered(await handle(read(content, body)))
        except ClipperError as error:
            return error_text(error)

    app.add_api_route(
        f"/admin/{name}",
        endpoint,
        methods=["POST"],
        summary=documentation.summary,
        tags=[documentation.tag],
        operation_id=name,
        openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": _schema(body)}}}},
        responses=_responses(documentation.answers_json),
        response_class=Response,
    )


def answered(answer: Answer) -> Response:
    if isinstance(answer, str):
        return PlainTextResponse(answer)
    return Response(msgspec.json.encode(answer, enc_hook=str), media_type="application/json")


def _schema(body: type[msgspec.Struct]) -> dict[str, Any]:
    schema = msgspec.json.schema(body)
    (definition,) = schema["$defs"].values()
    return dict(definition)


TEXT: dict[str, Any] = {"text/plain": {"schema": {"type": "string"}}}


def _responses(answers_json: bool) -> dict[int | str, dict[str, Any]]:
    return {
        200: {"description": "Done", "content": {"application/json": {}} if answers_json else TEXT},
        400: {"description": "Refused; the text says why", "content": TEXT},
        401: {"description": "The bearer token is missing or wrong", "content": TEXT},
        403: {"description": "Not from a web page, nor under a foreign host name", "content": TEXT},
        409: {"description": "The version exists with other content", "content": TEXT},
        413: {"description": "The body is too large", "content": TEXT},
        422: {"description": "The model did not start; the text ends with its log", "content": TEXT},
        503: {"description": "The registry cannot be used", "content": TEXT},
        504: {"description": "The model did not start in time", "content": TEXT},
        507: {"description": "No space is left", "content": TEXT},
    }
