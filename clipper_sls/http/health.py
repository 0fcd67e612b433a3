"""`/livez` and `/readyz`, the same on both ports."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from starlette.responses import JSONResponse

HEALTH_PATHS = frozenset({"/livez", "/readyz"})
"""Free of access rules: whoever watches a process has no token."""


def add_health_routes(app: FastAPI, is_ready: Callable[[], dict[str, Any]]) -> None:
    """`is_ready` returns what `/readyz` answers, with a boolean under "ready"."""

    @app.get("/livez", tags=["operations"])
    async def livez() -> dict[str, bool]:
        """The process answers."""
        return {"live": True}

    @app.get("/readyz", tags=["operations"], responses={503: {"description": "Not ready yet, or draining"}})
    async def readyz() -> JSONResponse:
        """Whether what is registered is being served."""
        state = is_ready()
        return JSONResponse(state, 200 if state["ready"] else 503)
