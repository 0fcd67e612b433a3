"""Jobs that wait in a standard queue of SQS, the applications' messages in groups, so that each has its share."""

import json
import math
import re
from collections.abc import Sequence
from typing import Any

from clipper_sls.adapters.aws.sqs.queue import BATCH_BYTES, SqsQueue
from clipper_sls.domain.jobs.messages import MOST_RECEIVED, NewMessage, Received

MAX_MESSAGE_BYTES = BATCH_BYTES - 4_096
"""Attributes and names count as well."""

LEAST_WAIT_S, MAX_WAIT_S = 1, 20
MAX_VISIBILITY_S = 12 * 3600
REASON = "reason"
"""A message attribute of a dead letter that was buried."""

ORIGINAL = "original"
"""Another one: the id that its message had."""

_GROUP = re.compile(r"[!-~]{1,128}")


class SqsJobQueue:
    """Implements `JobQueue`. Seconds are whole for SQS; a part of one counts as one.

    A receive waits `least_wait_s` even for nothing: SQS, when it may not wait, looks at a part of its servers only.
    """

    max_message_bytes = MAX_MESSAGE_BYTES

    def __init__(self, queue: SqsQueue, dead_letters: SqsQueue, *, least_wait_s: int = LEAST_WAIT_S) -> None:
        self._least_wait_s = least_wait_s
        self._queue = queue
        self._dead_letters = dead_letters

    async def enqueue(self, messages: Sequence[NewMessage]) -> None:
        entries = [{"MessageBody": message.body, "MessageGroupId": message.group} for message in messages]
        await self._queue.in_batches("SendMessageBatch", entries)

    async def receive(self, most: int, *, visibility_s: float, wait_s: float = 0.0) -> Sequence[Received]:
        wait = min(MAX_WAIT_S, max(self._least_wait_s, math.ceil(wait_s)))
        asked = {
            "MaxNumberOfMessages": min(most, MOST_RECEIVED),
            "VisibilityTimeout": _visibility(visibility_s),
            "WaitTimeSeconds": wait,
            "MessageSystemAttributeNames": ["ApproximateReceiveCount"],
        }
        answer = await self._queue.call("ReceiveMessage", asked, wait_s=wait)
        return [_received(message) for message in answer.get("Messages") or ()]

    async def acknowledge(self, received: Sequence[Received]) -> None:
        await self._queue.in_batches("DeleteMessageBatch", [{"ReceiptHandle": one.receipt} for one in received])

    async def release(self, received: Sequence[Received], *, after_s: float = 0.0) -> None:
        visibility = {"VisibilityTimeout": _visibility(after_s)}
        entries = [{"ReceiptHandle": one.receipt, **visibility} for one in received]
        await self._queue.in_batches("ChangeMessageVisibilityBatch", entries)

    async def bury(self, received: Received, reason: str) -> None:
        """A process that ends between the two leaves the message, too; who lists dead letters sees it once."""
        attributes = {REASON: _text(reason), ORIGINAL: _text(received.message_id)}
        letter = {"MessageBody": received.body, "MessageAttributes": attributes, **group_of(received.body)}
        await self._dead_letters.call("SendMessage", letter)
        await self.acknowledge([received])


def group_of(body: str) -> dict[str, str]:
    """The group of a message of a job, as a field of a request: its application. None of what is no such message."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    name = found.get("application") if isinstance(found, dict) else None
    return {"MessageGroupId": name} if isinstance(name, str) and _GROUP.fullmatch(name) else {}


def _received(message: dict[str, Any]) -> Received:
    count = int(message.get("Attributes", {}).get("ApproximateReceiveCount", 1))
    return Received(message["MessageId"], message["ReceiptHandle"], message["Body"], count)


def _visibility(seconds: float) -> int:
    return min(MAX_VISIBILITY_S, math.ceil(seconds))


def _text(value: str) -> dict[str, str]:
    """Of a message attribute, which SQS refuses when it is empty or has control characters."""
    shown = "".join(character if character.isprintable() else " " for character in value)
    return {"DataType": "String", "StringValue": shown or "-"}
