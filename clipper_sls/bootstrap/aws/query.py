"""The query function: answers predictions at once, and puts together what answers anything else when it is asked."""

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from clipper_sls.bootstrap.aws.asking import Asking, asking_of, job_service
from clipper_sls.bootstrap.aws.function import StackFunction
from clipper_sls.bootstrap.aws.http_function import Handler, http_handler
from clipper_sls.config.environment import environment
from clipper_sls.errors import StoreError
from clipper_sls.http.fast_path import PredictFastPath
from clipper_sls.http.jobs import JobPredictions
from clipper_sls.http.lazy_app import LazyApp
from clipper_sls.http.predict import InputLimits, PredictRoute
from clipper_sls.service.jobs import JobService
from clipper_sls.service.services import PredictionServices

if TYPE_CHECKING:
    from starlette.types import ASGIApp

MAX_BODY_BYTES = 16 * 1024 * 1024
"""More than Lambda takes."""

DIRECT_LIMIT_S = 28.0
"""API Gateway waits for 30 s and the function may run for 29; an objective above this makes queries jobs."""


def query_handler(variables: Mapping[str, str] | None = None) -> Handler:
    """From the process's environment unless `variables` are given. Asks nothing yet; raises InvalidSettingError."""
    function = StackFunction(environment() if variables is None else variables)
    asking = asking_of(function)
    services = PredictionServices(asking.registry, asking.predictions, function.clock)
    jobs = job_service(function, asking.registry)
    by_jobs = JobPredictions(
        jobs=jobs, predictions=asking.predictions, clock=function.clock, direct_limit_s=DIRECT_LIMIT_S
    )
    limits = InputLimits(MAX_BODY_BYTES, function.settings.max_batch_rows)
    route = PredictRoute(services, limits, jobs=by_jobs, ends_at=function.invocation.ends_at)

    async def look() -> None:
        with suppress(StoreError):  # documents can be read all the same
            await asking.registry.fresh()

    others = LazyApp(lambda: _others(function, asking, jobs, limits), before=look)

    return http_handler(function, PredictFastPath(others, route), warm_up=lambda: function.run(look()))


def _others(function: StackFunction, asking: Asking, jobs: JobService, limits: InputLimits) -> "ASGIApp":
    from clipper_sls.bootstrap.aws.feedback import feedback_service
    from clipper_sls.http.query_app import create_query_app
    from clipper_sls.service.registered_models import RegisteredModels
    from clipper_sls.service.services import QueryServices

    services = QueryServices(
        registry=asking.registry,
        predictions=asking.predictions,
        clock=function.clock,
        host=RegisteredModels(asking.registry),
        feedback=feedback_service(function),
        jobs=jobs,
    )
    return create_query_app(
        services,
        limits=limits,
        metrics=None,
        is_ready=lambda: {"ready": asking.registry.is_known, "unwell": {}},
        model_slo_s=function.settings.objective_ms / 1000,
        direct_limit_s=DIRECT_LIMIT_S,
        ends_at=function.invocation.ends_at,
    )
