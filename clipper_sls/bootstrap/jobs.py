"""The jobs of the embedded engine, put together."""

import asyncio
import math
import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from clipper_sls.adapters.local.sqlite_job_queue import SqliteJobQueue
from clipper_sls.adapters.local.sqlite_job_store import SqliteJobStore
from clipper_sls.config import Settings
from clipper_sls.ports.clock import Clock
from clipper_sls.service.job_loop import JobLoop
from clipper_sls.service.job_worker import JobWorker, WorkLimits
from clipper_sls.service.jobs import JobService, JobTimes
from clipper_sls.service.model_answers import ModelAnswers
from clipper_sls.service.predict import PredictionService
from clipper_sls.service.registry_view import RegistryView

SPARE_RECEIVES = 2
"""Of a message, beyond its tries: those whose worker ended, the engine with it, and that say nothing of the job."""


@dataclass(frozen=True, slots=True)
class EngineJobs:
    """The loop is to be started when the models answer, and ends before they do."""

    service: JobService
    queue: SqliteJobQueue
    loop: JobLoop


async def engine_jobs(
    settings: Settings,
    database: Path,
    *,
    registry: RegistryView,
    answers: ModelAnswers,
    predictions: PredictionService,
    clock: Clock,
    opened: AsyncExitStack,
) -> EngineJobs:
    """What must be let go of at the end is given to `opened`. Raises StoreError."""
    max_receives = settings.job_max_tries + SPARE_RECEIVES
    queue = await asyncio.to_thread(SqliteJobQueue, database, clock=clock, max_receives=max_receives)
    opened.callback(queue.close)
    store = await asyncio.to_thread(SqliteJobStore, database, clock=clock)
    opened.callback(store.close)
    service = JobService(
        queue=queue,
        store=store,
        registry=registry,
        clock=clock,
        times=JobTimes(expiry_s=settings.job_expiry_s, keep_s=settings.job_result_ttl_s),
        chance=secrets.token_bytes,
        poll_s=math.inf,
    )
    worker = JobWorker(
        jobs=service,
        queue=queue,
        registry=registry,
        answers=answers,
        predictions=predictions,
        clock=clock,
        limits=WorkLimits(max_tries=settings.job_max_tries, call_s=settings.function_timeout_s),
    )
    loop = JobLoop(queue=queue, worker=worker, clock=clock, concurrency=settings.job_concurrency)
    opened.push_async_callback(loop.close, settings.drain_timeout_s)
    return EngineJobs(service, queue, loop)
