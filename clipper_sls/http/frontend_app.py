"""The query application of a front end: it answers queries itself, and hands everything else to the engine.

Feedback, metrics, readiness and documents are thus the engine's alone, whichever process a connection leads to.
"""

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from clipper_sls.errors import ClipperError
from clipper_sls.http.answers import JSON
from clipper_sls.http.body import SenderLeftError, read_part, sender_left
from clipper_sls.http.encode import encode_error
from clipper_sls.http.error_map import CODE_HEADER, status_of
from clipper_sls.http.fast_path import PredictFastPath
from clipper_sls.http.oip import InferEndpoint, infer_router
from clipper_sls.http.predict import InputLimits, PredictRoute
from clipper_sls.http.query_app import http_error, unexpected
from clipper_sls.ports.request_forwarder import RequestForwarder, WholeAnswer, WholeRequest
from clipper_sls.service.services import PredictionServices


def create_frontend_app(
    services: PredictionServices, *, limits: InputLimits, model_slo_s: float, forwarder: RequestForwarder
) -> ASGIApp:
    """Answers as the application of `http.query_app` does in the engine to which `forwarder` leads."""
    infer = InferEndpoint(
        services, slo_s=model_slo_s, max_body_bytes=limits.max_body_bytes, max_batch_rows=limits.max_batch_rows
    )
    asks_models = FastAPI(openapi_url=None)
    asks_models.include_router(infer_router(infer))
    asks_models.add_exception_handler(HTTPException, http_error)
    asks_models.add_exception_handler(SenderLeftError, sender_left)
    others = _InferOrHandOver(asks_models, _HandingOver(forwarder, limits.max_body_bytes))
    return PredictFastPath(ServerErrorMiddleware(others, handler=unexpected), PredictRoute(services, limits))


class _InferOrHandOver:
    def __init__(self, infer: ASGIApp, others: ASGIApp) -> None:
        self._infer = infer
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        is_infer = scope["method"] == "POST" and path.startswith("/v2/models/") and path.endswith("/infer")
        await (self._infer if is_infer else self._others)(scope, receive, send)


class _HandingOver:
    """A body that is too large is cut just beyond the limit, so that the engine says what it says of such."""

    def __init__(self, forwarder: RequestForwarder, max_body_bytes: int) -> None:
        self._forwarder = forwarder
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await read_part(receive, self._max_body_bytes + 1)
            answer = await self._forwarder.forward(
                WholeRequest(scope["method"], scope["path"], scope["query_string"], list(scope["headers"]), body)
            )
        except SenderLeftError:
            return
        except ClipperError as error:
            content = encode_error(error.code.replace("_", " ").capitalize(), error.msg, error.code)
            headers = [(b"content-type", JSON.encode()), (CODE_HEADER.lower().encode(), error.code.encode())]
            answer = WholeAnswer(status_of(error), headers, content)
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})
