"""The way of a prediction around everything that it does not need.

FastAPI and its middlewares cost as much as a small model does. Predictions skip them: this looks at the path and hands
the request straight to the route that FastAPI documents and would call in the end.
"""

import re

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from clipper_sls.http.predict import PredictRoutes

_PREDICT = re.compile(r"/([^/]+)/predict/?\Z")


class PredictFastPath:
    def __init__(self, app: ASGIApp, routes: PredictRoutes) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _PREDICT.match(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        scope["path_params"] = {"application": found.group(1)}
        response = await self._routes.predict(Request(scope, receive))
        await response(scope, receive, send)
