"""The dead-letter queue of jobs, for people.

SQS lets nobody look into a queue without receiving from it: what is shown is hidden from others for that moment.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from clipper_sls.adapters.aws.failures import AwsCallError
from clipper_sls.adapters.aws.sqs.job_queue import LEAST_WAIT_S, ORIGINAL, REASON, group_of
from clipper_sls.adapters.aws.sqs.queue import SqsQueue
from clipper_sls.domain.jobs.messages import MOST_RECEIVED, DeadLetter, gave_up

LOOK_S = 30
"""How long a letter is hidden that is being looked at, when whoever looks does not come to an end."""

MOVE_S = 60
_ATTRIBUTES = {
    "MessageSystemAttributeNames": ["ApproximateReceiveCount", "SentTimestamp"],
    "MessageAttributeNames": [REASON, ORIGINAL],
}


class SqsDeadLetters:
    """Implements `DeadLetters`. `max_receives` is that of the queue whose dead letters these are.

    `least_wait_s` is as of `SqsJobQueue`.
    """

    def __init__(
        self, dead_letters: SqsQueue, queue: SqsQueue, *, max_receives: int, least_wait_s: int = LEAST_WAIT_S
    ) -> None:
        self._least_wait_s = least_wait_s
        self._dead_letters = dead_letters
        self._queue = queue
        self._max_receives = max_receives

    async def dead(self, most: int) -> Sequence[DeadLetter]:
        """One that SQS itself has moved died at a time that SQS does not tell; it has that of its sending."""
        found: dict[str, DeadLetter] = {}
        receipts: list[str] = []
        try:
            async for message in self._received(most, LOOK_S):
                receipts.append(message["ReceiptHandle"])
                letter = self._letter(message)
                found.setdefault(letter.message_id, letter)
        finally:
            shown = [{"ReceiptHandle": receipt, "VisibilityTimeout": 0} for receipt in receipts]
            await self._dead_letters.in_batches("ChangeMessageVisibilityBatch", shown)
        return list(found.values())

    async def redrive(self) -> int:
        """AWS moves them by itself, and goes on after this returns. Where it does not, or may not, they are moved here;
        what is left when whoever asks has no more time is moved by the next call.
        """
        count = await self._count()
        source = await self._dead_letters.attribute("QueueArn")
        destination = f"{source.rpartition(':')[0]}:{self._queue.name}"  # of one account and region
        try:
            await self._dead_letters.ask("StartMessageMoveTask", {"SourceArn": source, "DestinationArn": destination})
        except AwsCallError as error:
            return count if "already" in error.message else await self._moved()
        return count

    async def purge(self) -> int:
        count = await self._count()
        await self._dead_letters.call("PurgeQueue", {})
        return count

    async def _moved(self) -> int:
        """Sent before they are deleted: one that ends in between has sent some twice, which a job takes."""
        count = 0
        batch: list[dict[str, Any]] = []
        async for message in self._received(None, MOVE_S):
            batch.append(message)
            if len(batch) == MOST_RECEIVED:
                count += await self._move(batch)
                batch = []
        return count + await self._move(batch)

    async def _move(self, messages: Sequence[dict[str, Any]]) -> int:
        await self._queue.in_batches("SendMessageBatch", [_sent_again(message) for message in messages])
        receipts = [{"ReceiptHandle": message["ReceiptHandle"]} for message in messages]
        await self._dead_letters.in_batches("DeleteMessageBatch", receipts)
        return len(messages)

    async def _received(self, most: int | None, hidden_s: int) -> AsyncIterator[dict[str, Any]]:
        left = most
        while left is None or left > 0:
            asked = {
                "MaxNumberOfMessages": MOST_RECEIVED if left is None else min(left, MOST_RECEIVED),
                "VisibilityTimeout": hidden_s,
                "WaitTimeSeconds": self._least_wait_s,
                **_ATTRIBUTES,
            }
            messages = (await self._dead_letters.call("ReceiveMessage", asked, wait_s=self._least_wait_s)).get(
                "Messages"
            ) or []
            for message in messages:
                yield message
            if not messages:
                return
            left = None if left is None else left - len(messages)

    def _letter(self, message: dict[str, Any]) -> DeadLetter:
        attributes = message.get("MessageAttributes", {})
        reason = attributes.get(REASON, {}).get("StringValue") or gave_up(self._max_receives)
        original = attributes.get(ORIGINAL, {}).get("StringValue") or message["MessageId"]
        sent_ms = int(message.get("Attributes", {}).get("SentTimestamp", 0))
        return DeadLetter(original, message["Body"], reason, sent_ms / 1_000)

    async def _count(self) -> int:
        return int(await self._dead_letters.attribute("ApproximateNumberOfMessages") or 0)


def _sent_again(message: dict[str, Any]) -> dict[str, Any]:
    return {"MessageBody": message["Body"], **group_of(message["Body"])}
