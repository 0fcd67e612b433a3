"""What a Lambda function does with a batch of messages that SQS hands it.

Lambda deletes the messages of which the answer says nothing. Those that it names stay in the queue, and go to the dead
letters by the queue's own policy when they have been delivered often enough.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from clipper_sls.domain.jobs.messages import Received
from clipper_sls.domain.jobs.work import retry_after_s
from clipper_sls.domain.query import Deadline
from clipper_sls.errors import StoreError
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.job_queue import JobQueue
from clipper_sls.service.job_worker import JobWorker

RESERVE_S = 10.0
MOST_RESERVE = 0.25
"""Of the time that is left; kept back for writing results, and for the answer."""

logger = logging.getLogger(__name__)


class _NotDoneError(Exception):
    """A message is to be delivered again. Never leaves this module."""


class SqsConsumer:
    """One for the life of an environment, which is given one batch at a time."""

    def __init__(self, *, worker: JobWorker, queue: JobQueue, clock: Clock) -> None:
        self._worker = worker
        self._queue = queue
        self._clock = clock

    async def consume(self, event: dict[str, Any], time_left_s: float) -> Mapping[str, Any]:
        """Lambda's answer to an event of SQS, `{"batchItemFailures": [...]}`, before `time_left_s` is over."""
        until = self._clock.now() + time_left_s - min(RESERVE_S, MOST_RESERVE * time_left_s)
        messages = [_received(SQSRecord(record)) for record in event["Records"]]
        again = await self._again(messages, Deadline(until))
        await self._release([message for message in messages if message.message_id in again])

        def told(record: SQSRecord) -> None:
            if record.message_id in again:
                raise _NotDoneError(record.message_id)

        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        return process_partial_response(event, told, processor)

    async def _again(self, messages: Sequence[Received], until: Deadline) -> set[str]:
        """All of them, where it is not about one: a registry that cannot be read, for one."""
        try:
            return set(await self._worker.work(messages, until))
        except Exception:
            logger.exception("A batch of %d messages is tried again", len(messages))
            return {message.message_id for message in messages}

    async def _release(self, messages: Sequence[Received]) -> None:
        """Sooner than the queue would by itself, which must think that they are being worked on for long."""
        try:
            for message in messages:
                await self._queue.release([message], after_s=retry_after_s(message.receive_count))
        except StoreError as error:
            logger.warning("Messages are delivered again later than they could be: %s", error.msg)


def _received(record: SQSRecord) -> Received:
    count = int(record.attributes.approximate_receive_count or 1)
    return Received(record.message_id, record.receipt_handle, record.body, count)
