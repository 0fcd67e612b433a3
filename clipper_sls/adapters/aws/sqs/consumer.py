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

SUSPECT_RECEIVES = 3
"""Delivered so often, a message may be what ended those who worked on it before."""

APART_S = 2.0

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
        again = await self._work(messages, Deadline(until), time_left_s)
        await self._release([message for message in messages if message.message_id in again])

        def told(record: SQSRecord) -> None:
            if record.message_id in again:
                raise _NotDoneError(record.message_id)

        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        return process_partial_response(event, told, processor)

    async def _work(self, messages: Sequence[Received], until: Deadline, time_left_s: float) -> set[str]:
        """Suspects come last, each by itself, and what is done before one is deleted before it.

        A message that brings down whatever works on it would else take those that it came with to the dead letters:
        they would be delivered together again and again.
        """
        suspects = [message for message in messages if message.receive_count >= SUSPECT_RECEIVES]
        others = [message for message in messages if message.receive_count < SUSPECT_RECEIVES]
        again = await self._again(others, until) if others else set()
        if not suspects:
            return again
        await self._delete([message for message in others if message.message_id not in again])
        await self._set_apart(suspects, time_left_s)
        for suspect in suspects:
            found = await self._again([suspect], until)  # without asking anybody once `until` has come
            if not found:
                await self._delete([suspect])
            again |= found
        return again

    async def _set_apart(self, suspects: Sequence[Received], time_left_s: float) -> None:
        """If this function is ended by one of them, each comes again at another time, and so without the others."""
        try:
            for number, suspect in enumerate(suspects):
                await self._queue.release([suspect], after_s=time_left_s + number * APART_S)
        except StoreError as error:
            logger.warning("Messages that were delivered often are not set apart: %s", error.msg)

    async def _delete(self, messages: Sequence[Received]) -> None:
        """Lambda would do that, too, but after the last of them."""
        try:
            await self._queue.acknowledge(messages)
        except StoreError as error:
            logger.warning("Messages that are done are deleted later than they could be: %s", error.msg)

    async def _again(self, messages: Sequence[Received], until: Deadline) -> set[str]:
        """All of them, where it is not about one: a registry that cannot be read, for one."""
        try:
            return set(await self._worker.work(messages, until))
        except Exception:
            logger.exception("A batch of %d messages is tried again", len(messages))
            return {message.message_id for message in messages}

    async def _release(self, messages: Sequence[Received]) -> None:
        """Sooner than the queue would by itself, which must think that they are being worked on for long."""
        by_wait: dict[float, list[Received]] = {}
        for message in messages:
            by_wait.setdefault(retry_after_s(message.receive_count), []).append(message)
        try:
            for after_s, waiting in by_wait.items():
                await self._queue.release(waiting, after_s=after_s)
        except StoreError as error:
            logger.warning("Messages are delivered again later than they could be: %s", error.msg)


def _received(record: SQSRecord) -> Received:
    count = int(record.attributes.approximate_receive_count or 1)
    return Received(record.message_id, record.receipt_handle, record.body, count)
