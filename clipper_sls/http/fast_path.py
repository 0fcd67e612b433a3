"""The way of a prediction around everything that it does not need.

FastAPI, its middlewares and Starlette's requests and responses cost more than all of our own work on a prediction.
Predictions skip them: this looks at the path, and calls what the route that FastAPI documents would call in the end.
On a connection of our own server they do not even come this far (`http.predict_connection`).
"""

from typing import TYPE_CHECKING

from clipper_sls.http.answers import JSON, Answer
from clipper_sls.http.body import SenderLeftError
from clipper_sls.http.error_map import CODE_HEADER
from clipper_sls.http.predict import PredictRoute

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_CONTENT_TYPE = (b"content-type", JSON.encode())
_CODE_HEADER = CODE_HEADER.lower().encode()


class PredictFastPath:
    def __init__(self, app: "ASGIApp", route: PredictRoute) -> None:
        self._app = app
        self.route = route

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        name = _application(scope)
        if name is None or self.route.is_for_jobs(name, scope):
            await self._app(scope, receive, send)
            return
        try:
            await send_answer(await self.route.answer(name, scope, receive), send)
        except SenderLeftError:
            return


def application_in(path: str) -> str | None:
    """The name in `/<name>/predict`, with one slash more or without; None for any other path."""
    name, _, rest = path.removesuffix("/").rpartition("/")
    return name[1:] if rest == "predict" and name.rfind("/") == 0 and len(name) > 1 else None


def _application(scope: "Scope") -> str | None:
    return application_in(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None


async def send_answer(answer: Answer, send: "Send") -> None:
    """Over ASGI."""
    headers = [_CONTENT_TYPE, (b"content-length", b"%d" % len(answer.body))]
    if answer.error_code:
        headers.append((_CODE_HEADER, answer.error_code.encode()))
    headers += [(name.lower().encode(), value.encode()) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
