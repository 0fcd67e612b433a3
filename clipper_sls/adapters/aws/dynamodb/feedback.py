"""Feedback in DynamoDB: an item each, whose sort key is the moment at which it was appended.

The key is made once, so that a request which reaches AWS twice keeps one piece of feedback, and not two.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence

from clipper_sls.adapters.aws.dynamodb.table import Condition, DynamoTable, Item
from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.query import Feedback
from clipper_sls.errors import StorageFullError, StoreUnavailableError
from clipper_sls.ports.clock import Clock

MAX_INPUT_BYTES = 350_000
"""An item may have 400 KB, its key and its other attributes included."""

MICROS_PER_S = 1_000_000


class DynamoFeedbackLog:
    """What one process appends is in its order; what several append at a time is in that of their clocks.

    `new_id` gives a text that it never gives twice, in no process.
    """

    def __init__(self, table: DynamoTable, *, clock: Clock, new_id: Callable[[], str]) -> None:
        self._table = table
        self._clock = clock
        self._new_id = new_id
        self._last_micros = 0

    async def append(self, feedback: Feedback) -> None:
        if len(feedback.input_json) > MAX_INPUT_BYTES:
            raise StorageFullError(
                f"Feedback on an input of {len(feedback.input_json)} bytes was not kept: an item of DynamoDB has room "
                f"for one of {MAX_INPUT_BYTES}"
            )
        key = {"partition": {"S": _partition(feedback.application)}, "item": {"S": self._next_item()}}
        await self._table.put({**key, **_fields(feedback)}, self._table.deadline())

    async def read(self, application: AppName) -> Sequence[Feedback]:
        key = Condition(
            "#partition = :partition", {"#partition": "partition"}, {":partition": {"S": _partition(application)}}
        )
        found = self._table.query(key, self._table.deadline(), consistent=True)
        try:
            return [_feedback(application, item) async for item in found]
        except (KeyError, TypeError, ValueError) as error:
            raise StoreUnavailableError(
                f"Feedback on '{application}' in the table {self._table.name} of DynamoDB cannot be read ({error!r}); "
                f"restore the table to a point in time before it was damaged"
            ) from error

    def _next_item(self) -> str:
        """Later than all before it, though the clock may stand still or go back."""
        self._last_micros = max(self._last_micros + 1, int(self._clock.wall() * MICROS_PER_S))
        return f"{self._last_micros:020}-{self._new_id()}"


def _partition(application: AppName) -> str:
    return f"feedback#{application}"


def _fields(feedback: Feedback) -> Item:
    """Numbers as text: DynamoDB's have other limits than ours."""
    return {
        "user_id": {"S": str(feedback.user_id)},
        "input": {"B": b64encode(feedback.input_json).decode()},
        "label": {"S": repr(feedback.label)},
        "received_at": {"S": repr(feedback.received_at)},
    }


def _feedback(application: AppName, item: Item) -> Feedback:
    return Feedback(
        application,
        int(item["user_id"]["S"]),
        b64decode(item["input"]["B"]),
        float(item["label"]["S"]),
        float(item["received_at"]["S"]),
    )
