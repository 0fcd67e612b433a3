"""One queue of SQS, in the few operations that jobs need, and its failures in our errors."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from clipper_sls.adapters.aws.failures import AwsCallError, AwsFailureError
from clipper_sls.domain.query import Deadline
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.ports.clock import Clock

BATCH_MESSAGES = 10
BATCH_BYTES = 1024 * 1024
"""Of all messages in one request, attributes included."""

FIRST_PAUSE_S = 0.05
TRIES = 5
GONE = {
    "DeleteMessageBatch": frozenset({"ReceiptHandleIsInvalid"}),
    "ChangeMessageVisibilityBatch": frozenset(
        {"ReceiptHandleIsInvalid", "MessageNotInflight", "InvalidParameterValue"}
    ),
}
"""Codes that say, of a message that was deleted, or delivered to somebody else since, that there is nothing to do."""

_PREFIX = "AWS.SimpleQueueService."
"""Codes have it in the older of SQS's protocols, and sometimes in the newer one."""

Entry = Mapping[str, Any]


class SqsClient(Protocol):
    """What is needed of `clipper_sls.adapters.aws.client.AwsClient`."""

    async def call(
        self, service: str, operation: str, payload: dict[str, Any], deadline: Deadline
    ) -> dict[str, Any]: ...


class SqsQueue:
    """An operation takes `limit_s` at most, and for as long as it is told to wait. All raise StoreUnavailableError."""

    def __init__(self, client: SqsClient, name: str, *, clock: Clock, limit_s: float) -> None:
        self.name = name
        self._client = client
        self._clock = clock
        self._limit_s = limit_s
        self._url: str | None = None

    async def call(self, operation: str, fields: Mapping[str, Any], *, wait_s: float = 0.0) -> dict[str, Any]:
        """Of this queue. What SQS refuses is a StoreUnavailableError, too."""
        deadline = self._deadline(wait_s)
        with translated(self.name):
            url = await self._found(deadline)
            return await self._client.call("sqs", operation, {"QueueUrl": url, **fields}, deadline)

    async def ask(self, operation: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """What is not about one queue. Raises AwsCallError for what SQS refuses."""
        deadline = self._deadline()
        try:
            return await self._client.call("sqs", operation, dict(fields), deadline)
        except AwsCallError:
            raise
        except AwsFailureError as error:
            raise StoreUnavailableError(f"The queue {self.name} of SQS cannot be reached: {error}") from error

    async def in_batches(self, operation: str, entries: Sequence[Entry]) -> None:
        """Do `operation` for each, at most 10 and `BATCH_BYTES` at a time; what is refused for now is tried again.

        An entry about a message that is gone is done. Raises StoreUnavailableError; then some may be done.
        """
        for batch in _batches(entries):
            await self._batch(operation, batch)

    async def attribute(self, name: str) -> str:
        answer = await self.call("GetQueueAttributes", {"AttributeNames": [name]})
        return str(answer.get("Attributes", {}).get(name, ""))

    async def _batch(self, operation: str, entries: Sequence[Entry]) -> None:
        left = {str(number): {**entry, "Id": str(number)} for number, entry in enumerate(entries)}
        pause_s = FIRST_PAUSE_S
        for _ in range(TRIES):
            answer = await self.call(operation, {"Entries": list(left.values())})
            gone = GONE.get(operation, frozenset())
            failed = [one for one in answer.get("Failed") or () if code_of(one.get("Code", "")) not in gone]
            for one in failed:
                if one.get("SenderFault"):
                    raise StoreUnavailableError(f"The queue {self.name} of SQS refuses a message: {one}")
            left = {one["Id"]: left[one["Id"]] for one in failed}
            if not left:
                return
            await self._clock.sleep_until(self._clock.now() + pause_s)
            pause_s *= 2
        raise StoreUnavailableError(
            f"The queue {self.name} of SQS did {operation} for a part of its messages; try again"
        )

    async def _found(self, deadline: Deadline) -> str:
        if self._url is None:
            answer = await self._client.call("sqs", "GetQueueUrl", {"QueueName": self.name}, deadline)
            self._url = str(answer["QueueUrl"])
        return self._url

    def _deadline(self, wait_s: float = 0.0) -> Deadline:
        return Deadline(self._clock.now() + self._limit_s + wait_s)


def code_of(code: str) -> str:
    return code.removeprefix(_PREFIX)


def _batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    size_bytes = 0
    for entry in entries:
        entry_bytes = len(str(entry.get("MessageBody", "")).encode())
        if batch and (len(batch) == BATCH_MESSAGES or size_bytes + entry_bytes > BATCH_BYTES):
            yield batch
            batch, size_bytes = [], 0
        batch.append(entry)
        size_bytes += entry_bytes
    if batch:
        yield batch


@contextmanager
def translated(queue: str) -> Iterator[None]:
    """Raise StoreUnavailableError for what AWS, or the way to it, does wrong."""
    try:
        yield
    except AwsCallError as error:
        raise StoreUnavailableError(_sentence(queue, error)) from error
    except AwsFailureError as error:
        raise StoreUnavailableError(f"The queue {queue} of SQS cannot be reached: {error}") from error


def _sentence(queue: str, error: AwsCallError) -> str:
    if code_of(error.code) in ("NonExistentQueue", "QueueDoesNotExist"):
        return f"There is no queue {queue} in SQS; is the stack deployed, in this region, under this name?"
    if error.is_denied:
        return (
            f"SQS refuses {error.operation} on the queue {queue} ({error.code}: {error.message}); see the role's "
            f"permissions, and whether its credentials are still valid"
        )
    return f"{error.operation} on the queue {queue} of SQS failed with {error.code}: {error.message}"
