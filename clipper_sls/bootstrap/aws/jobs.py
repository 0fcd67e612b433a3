"""The function that does the jobs in the queue."""

from collections.abc import Mapping
from typing import Any

from clipper_sls.adapters.aws.sqs.consumer import SqsConsumer
from clipper_sls.bootstrap.aws.asking import asking_of, job_queue, job_service
from clipper_sls.bootstrap.aws.function import Event, StackFunction
from clipper_sls.bootstrap.aws.http_function import Handler
from clipper_sls.config.environment import environment
from clipper_sls.service.job_worker import JobWorker, WorkLimits

CALL_S = 60.0
"""A chunk of a job may take so long, of the 120 s that the function has."""
CALLS = 4
"""Of one version at one time: each is an environment of its function."""
SPARE_RECEIVES = 2
"""So often may a message come beyond the tries of its job: what ended a consumer is recorded the next time."""


def jobs_handler(variables: Mapping[str, str] | None = None) -> Handler:
    """From the process's environment unless `variables` are given. Asks nothing yet; raises InvalidSettingError."""
    function = StackFunction(environment() if variables is None else variables)
    asking = asking_of(function)
    queue = job_queue(function)
    max_tries = max(1, function.settings.jobs_max_receives - SPARE_RECEIVES)
    worker = JobWorker(
        jobs=job_service(function, asking.registry),
        queue=queue,
        registry=asking.registry,
        answers=asking.answers,
        predictions=asking.predictions,
        clock=function.clock,
        limits=WorkLimits(max_tries=max_tries, call_s=CALL_S, calls=CALLS),
    )
    consumer = SqsConsumer(worker=worker, queue=queue, clock=function.clock)

    def handler(event: Event, context: Any) -> Any:
        left_s = context.get_remaining_time_in_millis() / 1000
        return function.answer(context, lambda: function.run(consumer.consume(event, left_s)), name="jobs")

    return handler
