"""What asks models: for the query function at once, for that of jobs by and by."""

import itertools
import secrets

from clipper_sls.adapters.aws.dynamodb.registry import DynamoRegistry
from clipper_sls.adapters.aws.dynamodb.table import DynamoTable
from clipper_sls.adapters.aws.function_call import FunctionCall
from clipper_sls.adapters.aws.lambda_invoker import LambdaInvoker
from clipper_sls.adapters.aws.payload_store import PayloadStore
from clipper_sls.adapters.local.memory_job_queue import MemoryJobQueue
from clipper_sls.adapters.local.memory_job_store import MemoryJobStore
from clipper_sls.bootstrap.aws.caches import prediction_cache
from clipper_sls.bootstrap.aws.function import StackFunction
from clipper_sls.service.jobs import JobService, JobTimes
from clipper_sls.service.model_answers import ModelAnswers
from clipper_sls.service.predict import PredictionService
from clipper_sls.service.registry_view import RegistryView
from clipper_sls.service.services import PredictionServices

STORE_LIMIT_S = 2.0
"""A table that has not answered by then is away."""
JOB_EXPIRY_S, JOB_KEPT_S = 3_600.0, 86_400.0
JOB_POLL_S = 0.05
QUERY_ID_BITS = 52
"""Numbers of answers begin anywhere: two environments that are made at one time must not give the same."""


def registry_view(function: StackFunction) -> RegistryView:
    """Not read yet."""
    table = DynamoTable(function.client, function.names.registry_table, clock=function.clock, limit_s=STORE_LIMIT_S)
    return RegistryView(
        registry=DynamoRegistry(table, new_id=lambda: secrets.token_hex(8)),
        clock=function.clock,
        max_age_s=function.settings.registry_max_age_ms / 1000,
    )


def prediction_services(function: StackFunction) -> PredictionServices:
    view, clock, metrics = registry_view(function), function.clock, function.metrics
    call = FunctionCall(client=function.client, payloads=_payloads(function), metrics=metrics)
    answers = ModelAnswers(
        invoker=LambdaInvoker(call=call, clock=clock, metrics=metrics),
        cache=prediction_cache(function),
        clock=clock,
        metrics=metrics,
    )
    first_id = function.chance.getrandbits(QUERY_ID_BITS)
    predictions = PredictionService(
        registry=view, answers=answers, clock=clock, metrics=metrics, query_ids=itertools.count(first_id)
    )
    return PredictionServices(view, predictions, clock)


def job_service(function: StackFunction, view: RegistryView) -> JobService:
    """Jobs are kept and told, and done elsewhere."""
    return JobService(
        queue=MemoryJobQueue(clock=function.clock, max_receives=1),
        store=MemoryJobStore(clock=function.clock),
        registry=view,
        clock=function.clock,
        times=JobTimes(expiry_s=JOB_EXPIRY_S, keep_s=JOB_KEPT_S),
        chance=secrets.token_bytes,
        poll_s=JOB_POLL_S,
    )


def _payloads(function: StackFunction) -> PayloadStore | None:
    bucket = function.settings.payload_bucket
    if not bucket:
        return None
    return PayloadStore(client=function.client, bucket=bucket, new_name=secrets.token_urlsafe)
