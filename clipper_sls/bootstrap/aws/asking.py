"""What asks models: for the query function at once, for that of jobs by and by."""

import itertools
import secrets
from typing import NamedTuple

from clipper_sls.adapters.aws.dynamodb.job_store import DynamoJobStore
from clipper_sls.adapters.aws.dynamodb.registry import DynamoRegistry
from clipper_sls.adapters.aws.dynamodb.table import DynamoTable
from clipper_sls.adapters.aws.lambda_call import LambdaCall
from clipper_sls.adapters.aws.lambda_invoker import LambdaInvoker
from clipper_sls.adapters.aws.payload_store import PayloadStore
from clipper_sls.adapters.aws.sqs.job_queue import SqsJobQueue
from clipper_sls.adapters.aws.sqs.queue import SqsQueue
from clipper_sls.bootstrap.aws.caches import prediction_cache
from clipper_sls.bootstrap.aws.function import StackFunction
from clipper_sls.service.jobs import JobService, JobTimes
from clipper_sls.service.model_answers import ModelAnswers
from clipper_sls.service.predict import PredictionService
from clipper_sls.service.registry_view import RegistryView

STORE_LIMIT_S = 2.0
"""A table that has not answered by then is away."""
JOB_EXPIRY_S, JOB_KEPT_S = 3_600.0, 86_400.0
JOB_POLL_S = 0.05
QUERY_ID_BITS = 52
"""Numbers of answers begin anywhere: two environments that are made at one time must not give the same."""


def registry_view(function: StackFunction) -> RegistryView:
    """Not read yet."""
    table = table_of(function, function.names.registry_table)
    return RegistryView(
        registry=DynamoRegistry(table, new_id=lambda: secrets.token_hex(8)),
        clock=function.clock,
        max_age_s=function.settings.registry_max_age_ms / 1000,
    )


class Asking(NamedTuple):
    """What asks models, and what it knows of them."""

    registry: RegistryView
    answers: ModelAnswers
    predictions: PredictionService


def asking_of(function: StackFunction) -> Asking:
    view, clock, metrics = registry_view(function), function.clock, function.metrics
    call = LambdaCall(client=function.client, payloads=_payloads(function), metrics=metrics)
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
    return Asking(view, answers, predictions)


def table_of(function: StackFunction, name: str) -> DynamoTable:
    return DynamoTable(function.client, name, clock=function.clock, limit_s=STORE_LIMIT_S)


def queue_of(function: StackFunction, name: str) -> SqsQueue:
    return SqsQueue(function.client, name, clock=function.clock, limit_s=STORE_LIMIT_S)


def job_queue(function: StackFunction) -> SqsJobQueue:
    names = function.names
    return SqsJobQueue(queue_of(function, names.jobs_queue), queue_of(function, names.dead_letter_queue))


def job_service(function: StackFunction, view: RegistryView) -> JobService:
    """Jobs are kept and told, and done elsewhere."""
    return JobService(
        queue=job_queue(function),
        store=DynamoJobStore(
            table_of(function, function.names.jobs_table), clock=function.clock, new_id=lambda: secrets.token_hex(8)
        ),
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
