"""The way of a prediction around everything that it does not need.

FastAPI, its middlewares and Starlette's requests and responses cost more than all of our own work on a prediction.
Predictions skip them: this looks at the path, and calls what the route that FastAPI documents would call in the end.
"""

import logging

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from clipper_sls.http.error_map import CODE_HEADER
from clipper_sls.http.predict import JSON, Answer, PredictRoute, unexpected_answer

logger = logging.getLogger(__name__)

_CONTENT_TYPE = (b"content-type", JSON.encode())
_CODE_HEADER = CODE_HEADER.lower().encode()


class PredictFastPath:
    def __init__(self, app: ASGIApp, route: PredictRoute) -> None:
        self._app = app
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = _application(scope)
        if name is None:
            await self._app(scope, receive, send)
            return
        try:
            answer = await self._route.answer(name, scope, receive)
        except ClientDisconnect:
            return
        except Exception as error:
            logger.exception("POST %s failed", scope["path"])
            answer = unexpected_answer(error)
        await _send(answer, send)


def _application(scope: Scope) -> str | None:
    """The name in `POST /<name>/predict`, with one slash more or without; None for anything else."""
    if scope["type"] != "http" or scope["method"] != "POST":
        return None
    path: str = scope["path"]
    name, _, rest = path.removesuffix("/").rpartition("/")
    return name[1:] if rest == "predict" and name.rfind("/") == 0 and len(name) > 1 else None


async def _send(answer: Answer, send: Send) -> None:
    headers = [_CONTENT_TYPE, (b"content-length", b"%d" % len(answer.body))]
    if answer.error_code:
        headers.append((_CODE_HEADER, answer.error_code.encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
