"""The application of one model version: predictions by three protocols, health, metrics."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from clipper_sls import __version__
from clipper_sls.domain.envelope import INVOCATIONS_PATH
from clipper_sls.domain.records import ModelVersion
from clipper_sls.http.answers import JSON
from clipper_sls.http.application_routes import add_predict_routes
from clipper_sls.http.error_map import CODE_HEADER
from clipper_sls.http.health import add_health_routes
from clipper_sls.http.invocations import InvocationsRoute
from clipper_sls.http.metrics_page import MetricsPage, add_metrics_route
from clipper_sls.http.oip import oip_router
from clipper_sls.http.predict import InputLimits, PredictRoute
from clipper_sls.http.query_app import finished
from clipper_sls.http.query_openapi import PREDICT_OPENAPI
from clipper_sls.service.services import HostingServices

DESCRIPTION = "Ask one model version for predictions. An answer that is late or missing is the default output."


def create_model_app(
    services: HostingServices,
    version: ModelVersion,
    *,
    limits: InputLimits,
    metrics: MetricsPage,
    is_ready: Callable[[], dict[str, Any]],
    slo_s: float,
    function_timeout_s: float,
) -> ASGIApp:
    """`version` is registered, and linked to an application of the model's name; `slo_s` is the objective of both.

    A batch over Lambda's Invoke path has as long as it says, `function_timeout_s` at most. `is_ready` as in
    `http.health`.
    """
    app = FastAPI(title=f"clipper-sls model {version.id}", version=__version__, description=DESCRIPTION)
    add_health_routes(app, is_ready)
    add_metrics_route(app, metrics)
    app.include_router(
        oip_router(
            services,
            is_ready=is_ready,
            slo_s=slo_s,
            max_body_bytes=limits.max_body_bytes,
            max_batch_rows=limits.max_batch_rows,
        )
    )
    predict = PredictRoute(services, limits)
    _add_lone_predict_route(app, predict, version)
    add_predict_routes(app, predict)
    invocations = InvocationsRoute(services, version, limits, function_timeout_s)
    app.add_api_route(
        INVOCATIONS_PATH,
        invocations.invoke,
        methods=["POST"],
        summary="Answer a batch, as a function on AWS Lambda does",
        tags=["functions"],
        response_class=Response,
    )
    return finished(app, predict)


def _add_lone_predict_route(app: FastAPI, predict: PredictRoute, version: ModelVersion) -> None:
    async def predict_lone(request: Request) -> Response:
        answer = await predict.answer(version.id.name, request.scope, request.receive)
        headers = {CODE_HEADER: answer.error_code} if answer.error_code else None
        return Response(answer.body, answer.status, headers, media_type=JSON)

    app.add_api_route(
        "/predict",
        predict_lone,
        methods=["POST"],
        openapi_extra=PREDICT_OPENAPI,
        summary="Ask the only model",
        tags=["applications"],
        responses=PREDICT_OPENAPI["responses"],
    )
