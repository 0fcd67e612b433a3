"""The routes of applications and their jobs, as FastAPI knows and documents them."""

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from clipper_sls.errors import ClipperError
from clipper_sls.http.answers import JSON
from clipper_sls.http.body import read_body
from clipper_sls.http.decode import decode_update
from clipper_sls.http.error_map import CODE_HEADER, status_of
from clipper_sls.http.job_route import JobRoute
from clipper_sls.http.predict import InputLimits, PredictRoute
from clipper_sls.http.query_openapi import JOB_OPENAPI, PREDICT_OPENAPI, UPDATE_OPENAPI
from clipper_sls.service.services import QueryServices

SLASHES = (("", True), ("/", False))
"""Clipper's routes take one trailing slash; it is not documented."""


class UpdateRoute:
    """Feedback, from bytes to a text."""

    def __init__(self, services: QueryServices, limits: InputLimits) -> None:
        self._services = services
        self._limits = limits

    async def update(self, request: Request) -> Response:
        try:
            return await self._update(request)
        except ClipperError as error:
            return PlainTextResponse(error.msg, status_of(error), {CODE_HEADER: error.code})

    async def _update(self, request: Request) -> Response:
        application = await self._services.predictions.application(request.path_params["application"])
        content = await read_body(request.scope, request.receive, self._limits.max_body_bytes)
        body = decode_update(application.input_type, content)
        await self._services.feedback.record(application, body.user_id, body.input_json, body.label)
        return PlainTextResponse("Feedback received? 1")


def add_predict_routes(app: FastAPI, route: PredictRoute) -> None:
    async def predict(request: Request) -> Response:
        answer = await route.answer(request.path_params["application"], request.scope, request.receive)
        headers = dict(answer.headers) | ({CODE_HEADER: answer.error_code} if answer.error_code else {})
        return Response(answer.body, answer.status, headers, media_type=JSON)

    for slash, documented in SLASHES:
        app.add_api_route(
            f"/{{application}}/predict{slash}",
            predict,
            methods=["POST"],
            openapi_extra=PREDICT_OPENAPI,
            include_in_schema=documented,
            summary="Ask for predictions",
            tags=["applications"],
            responses=PREDICT_OPENAPI["responses"],
        )


def add_job_route(app: FastAPI, job: JobRoute) -> None:
    app.add_api_route(
        "/jobs/{job_id}",
        job.get,
        methods=["GET"],
        openapi_extra=JOB_OPENAPI,
        summary="What became of a job",
        tags=["jobs"],
        responses=JOB_OPENAPI["responses"],
    )


def add_update_routes(app: FastAPI, update: UpdateRoute) -> None:
    for slash, documented in SLASHES:
        app.add_api_route(
            f"/{{application}}/update{slash}",
            update.update,
            methods=["POST"],
            openapi_extra=UPDATE_OPENAPI,
            include_in_schema=documented,
            summary="Tell what the right answer was",
            tags=["applications"],
            responses=UPDATE_OPENAPI["responses"],
        )
