"""The query application: predict, jobs, update, metrics, health, Open Inference Protocol."""

import logging
import math
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp

from clipper_sls import __version__
from clipper_sls.http.answers import JSON, unexpected_answer
from clipper_sls.http.application_routes import UpdateRoute, add_job_route, add_predict_routes, add_update_routes
from clipper_sls.http.body import SenderLeftError, sender_left
from clipper_sls.http.encode import encode_error
from clipper_sls.http.error_map import CODE_HEADER
from clipper_sls.http.fast_path import PredictFastPath
from clipper_sls.http.health import add_health_routes
from clipper_sls.http.job_route import JobRoute
from clipper_sls.http.jobs import JobPredictions
from clipper_sls.http.metrics_page import MetricsPage, add_metrics_route
from clipper_sls.http.oip import oip_router
from clipper_sls.http.predict import EndsAt, InputLimits, PredictRoute
from clipper_sls.service.services import QueryServices

logger = logging.getLogger(__name__)

DESCRIPTION = "Ask applications for predictions. An answer that is late or missing is the application's default output."


def create_query_app(
    services: QueryServices,
    *,
    limits: InputLimits,
    metrics: MetricsPage | None,
    is_ready: Callable[[], dict[str, Any]],
    model_slo_s: float,
    direct_limit_s: float = math.inf,
    ends_at: EndsAt | None = None,
) -> ASGIApp:
    """`is_ready` as in `http.health`; `model_slo_s` is the objective of requests that name a model directly.

    Above `direct_limit_s`, what is in front of this would not wait for an answer, and queries become jobs.
    `ends_at` as in `http.predict`. Without `metrics` there is no page of them.
    """
    app = FastAPI(title="clipper-sls query", version=__version__, description=DESCRIPTION)
    add_health_routes(app, is_ready)
    if metrics is not None:
        add_metrics_route(app, metrics)
    app.include_router(
        oip_router(
            services,
            is_ready=is_ready,
            slo_s=model_slo_s,
            max_body_bytes=limits.max_body_bytes,
            max_batch_rows=limits.max_batch_rows,
            ends_at=ends_at,
        )
    )
    jobs = JobPredictions(
        jobs=services.jobs, predictions=services.predictions, clock=services.clock, direct_limit_s=direct_limit_s
    )
    predict = PredictRoute(services, limits, jobs=jobs, ends_at=ends_at)
    add_job_route(app, JobRoute(jobs=services.jobs, clock=services.clock))
    add_predict_routes(app, predict)
    add_update_routes(app, UpdateRoute(services, limits))
    return finished(app, predict)


def finished(app: FastAPI, predict: PredictRoute) -> ASGIApp:
    """What can go wrong is answered as JSON, and predictions go past all of it."""
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(ClientDisconnect, sender_left)
    app.add_exception_handler(SenderLeftError, sender_left)
    return PredictFastPath(ServerErrorMiddleware(app, handler=unexpected), predict)


async def http_error(request: Request, error: Exception) -> Response:
    """Handles what FastAPI refuses."""
    assert isinstance(error, HTTPException)
    code = f"http_{error.status_code}"
    body = encode_error(str(error.detail), f"{request.method} {request.url.path}", code)
    return Response(body, error.status_code, {**(error.headers or {}), CODE_HEADER: code}, media_type=JSON)


async def unexpected(request: Request, error: Exception) -> Response:
    """Handles what nobody foresaw."""
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    answer = unexpected_answer(error)
    return Response(answer.body, answer.status, {CODE_HEADER: "error"}, media_type=JSON)
