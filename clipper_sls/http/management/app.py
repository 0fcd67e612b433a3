"""Puts the management application together."""

import logging
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from clipper_sls import __version__
from clipper_sls.http.access import AccessGuard
from clipper_sls.http.body import SenderLeftError, sender_left
from clipper_sls.http.error_map import CODE_HEADER
from clipper_sls.http.health import add_health_routes
from clipper_sls.http.management.applications import add_application_routes
from clipper_sls.http.management.engine import EngineInfo, FrontendStates, add_engine_routes
from clipper_sls.http.management.jobs import add_job_routes
from clipper_sls.http.management.models import add_model_routes
from clipper_sls.http.management.replicas import add_replica_routes
from clipper_sls.service.services import Services

logger = logging.getLogger(__name__)

DESCRIPTION = "Register applications, deploy, link, switch and scale models. Not for the open network."


def create_management_app(
    services: Services,
    *,
    info: EngineInfo,
    is_ready: Callable[[], dict[str, Any]],
    shut_down: Callable[[], None],
    max_bundle_bytes: int,
    token: str | None,
    frontends: FrontendStates | None = None,
    is_guarded: bool = True,
) -> FastAPI:
    """`frontends` returns how each one does, where there are any. With a `token`, every
    request but those for health must carry it as a bearer token. Where it is not guarded here, nobody may come this
    far whom somebody else has not let through."""
    app = FastAPI(title="clipper-sls management", version=__version__, description=DESCRIPTION)
    add_health_routes(app, is_ready)
    add_engine_routes(app, services, info, is_ready, shut_down, frontends)
    add_application_routes(app, services)
    add_model_routes(app, services, max_bundle_bytes)
    add_replica_routes(app, services)
    add_job_routes(app, services)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, sender_left)
    app.add_exception_handler(SenderLeftError, sender_left)
    app.add_exception_handler(Exception, _unexpected)
    if is_guarded:
        app.add_middleware(AccessGuard, token=token)
    return app


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = {**(error.headers or {}), CODE_HEADER: f"http_{error.status_code}"}
    return PlainTextResponse(f"{error.detail}: {request.method} {request.url.path}", error.status_code, headers)


async def _unexpected(request: Request, error: Exception) -> Response:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return PlainTextResponse("An unexpected error occurred!", 500, {CODE_HEADER: "error"})
