"""One table of DynamoDB, in the few operations that the stores need, and its failures in our errors.

Items are as DynamoDB's JSON has them: `{"item": {"S": "head"}, "revision": {"N": "42"}}`.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from clipper_sls.adapters.aws.dynamodb.failures import translated
from clipper_sls.adapters.aws.failures import AwsCallError
from clipper_sls.domain.query import Deadline
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.ports.clock import Clock

Item = Mapping[str, Mapping[str, Any]]

MAX_READS, MAX_WRITES = 100, 25
"""Items in one BatchGetItem and in one BatchWriteItem."""
FIRST_PAUSE_S = 0.02
REFUSED_BY_CONDITION = "ConditionalCheckFailedException"


class DynamoClient(Protocol):
    """What is needed of `clipper_sls.adapters.aws.client.AwsClient`."""

    async def call(
        self, service: str, operation: str, payload: dict[str, Any], deadline: Deadline
    ) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Condition:
    """Under which an item is written; names and values as DynamoDB's expressions have them."""

    expression: str
    names: Mapping[str, str]
    values: Item = field(default_factory=dict)

    def fields(self) -> dict[str, Any]:
        values = {"ExpressionAttributeValues": self.values} if self.values else {}
        return {"ConditionExpression": self.expression, "ExpressionAttributeNames": self.names, **values}


class DynamoTable:
    """An operation takes `limit_s` at most where its caller gives no earlier deadline.

    All of them raise StoreUnavailableError, and StorageFullError for an item that is too large.
    """

    def __init__(self, client: DynamoClient, name: str, *, clock: Clock, limit_s: float) -> None:
        self.name = name
        self._client = client
        self._clock = clock
        self._limit_s = limit_s

    def deadline(self) -> Deadline:
        """Of what begins now."""
        return Deadline(self._clock.now() + self._limit_s)

    async def get(self, key: Item, deadline: Deadline) -> Item | None:
        """With every write that returned before it was asked."""
        answer = await self._call("GetItem", {"Key": key, "ConsistentRead": True}, deadline)
        item: Item | None = answer.get("Item")
        return item

    async def find(
        self, keys: Sequence[Item], deadline: Deadline, *, consistent: bool, partial: bool = False
    ) -> list[Item]:
        """Those that are there, in any order; for half the price, if not `consistent`, perhaps as they were before.

        AWS may leave some out, for too much is asked of it: they are asked for again, and are missing in the end only
        where `partial` will do.
        """
        chunks = [keys[start : start + MAX_READS] for start in range(0, len(keys), MAX_READS)]
        found = await asyncio.gather(*(self._find(chunk, deadline, consistent, partial) for chunk in chunks))
        return [item for items in found for item in items]

    async def put(self, item: Item, deadline: Deadline, condition: Condition | None = None) -> bool:
        """Whether it was written; False when `condition` does not hold.

        A request may reach AWS twice: when it was written, and the answer was lost, the second finds that `condition`
        holds no more.
        """
        payload = {"Item": item, **(condition.fields() if condition else {})}
        with translated(self.name):
            try:
                await self._client.call("dynamodb", "PutItem", {"TableName": self.name, **payload}, deadline)
            except AwsCallError as error:
                if error.code != REFUSED_BY_CONDITION:
                    raise
                return False
        return True

    async def update(self, key: Item, change: str, condition: Condition, deadline: Deadline) -> tuple[bool, Item]:
        """Whether `condition` held and `change` was made, and the item: as it is now, or, if not, as it was found.

        Names and values of both expressions are those of `condition`. An item that is not there is an empty one.
        """
        payload = {
            "TableName": self.name,
            "Key": key,
            "UpdateExpression": change,
            "ReturnValues": "ALL_NEW",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            **condition.fields(),
        }
        with translated(self.name):
            try:
                answer = await self._client.call("dynamodb", "UpdateItem", payload, deadline)
            except AwsCallError as error:
                if error.code != REFUSED_BY_CONDITION:
                    raise
                return False, error.details.get("Item") or {}
        return True, answer.get("Attributes") or {}

    async def query(
        self, key: Condition, deadline: Deadline, *, consistent: bool, attributes: Sequence[str] = ()
    ) -> AsyncIterator[Item]:
        """Items of a partition, in the order of their sort keys; only the named `attributes` of them, if any are."""
        payload: dict[str, Any] = {**key.fields(), "ConsistentRead": consistent}
        payload["KeyConditionExpression"] = payload.pop("ConditionExpression")
        if attributes:
            shown = {f"#shown{number}": name for number, name in enumerate(attributes)}
            payload["ProjectionExpression"] = ", ".join(shown)
            payload["ExpressionAttributeNames"] = {**key.names, **shown}
        while True:
            answer = await self._call("Query", payload, deadline)
            for item in answer.get("Items", ()):
                yield item
            if "LastEvaluatedKey" not in answer:
                return
            payload["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    async def remove(self, keys: Sequence[Item], deadline: Deadline) -> None:
        """What is not there is no error."""
        await self._write_all([{"DeleteRequest": {"Key": key}} for key in keys], deadline)

    async def put_all(self, items: Sequence[Item], deadline: Deadline) -> None:
        """All of `items`, in any order; of those that were written nothing is undone when the rest cannot be."""
        await self._write_all([{"PutRequest": {"Item": item}} for item in items], deadline)

    async def _find(self, keys: Sequence[Item], deadline: Deadline, consistent: bool, partial: bool) -> list[Item]:
        asked: dict[str, Any] = {self.name: {"Keys": keys, "ConsistentRead": consistent}}
        found: list[Item] = []
        pause_s = FIRST_PAUSE_S
        while True:
            answer = await self._call_many("BatchGetItem", asked, deadline)
            found += answer.get("Responses", {}).get(self.name, ())
            asked = answer.get("UnprocessedKeys") or {}
            if not asked or (partial and self._clock.now() + pause_s >= deadline):
                return found
            pause_s = await self._pause(pause_s, deadline)

    async def _write_all(self, requests: Sequence[Mapping[str, Any]], deadline: Deadline) -> None:
        chunks = [requests[start : start + MAX_WRITES] for start in range(0, len(requests), MAX_WRITES)]
        await asyncio.gather(*(self._write_many(chunk, deadline) for chunk in chunks))

    async def _write_many(self, requests: Sequence[Mapping[str, Any]], deadline: Deadline) -> None:
        asked: dict[str, Any] = {self.name: requests}
        pause_s = FIRST_PAUSE_S
        while True:
            answer = await self._call_many("BatchWriteItem", asked, deadline)
            asked = answer.get("UnprocessedItems") or {}
            if not asked:
                return
            pause_s = await self._pause(pause_s, deadline)

    async def _pause(self, pause_s: float, deadline: Deadline) -> float:
        """AWS did a part, for all at once were too many. Returns how long to wait next time."""
        if self._clock.now() + pause_s >= deadline:
            raise StoreUnavailableError(f"The table {self.name} of DynamoDB is asked for more than it gives at a time")
        await self._clock.sleep_until(self._clock.now() + pause_s)
        return 2 * pause_s

    async def _call(self, operation: str, payload: Mapping[str, Any], deadline: Deadline) -> dict[str, Any]:
        with translated(self.name):
            return await self._client.call("dynamodb", operation, {"TableName": self.name, **payload}, deadline)

    async def _call_many(self, operation: str, requests: Mapping[str, Any], deadline: Deadline) -> dict[str, Any]:
        with translated(self.name):
            return await self._client.call("dynamodb", operation, {"RequestItems": requests}, deadline)
