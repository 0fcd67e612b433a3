"""A DynamoDB in memory that does one call at a time, when a test says so: every order in which writers can meet.

It knows the operations and the few forms of conditions that `clipper_sls.adapters.aws.dynamodb` uses, and raises for
any other. Reads that are not consistent may be answered from before the last writes, as AWS may.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from clipper_sls.adapters.aws.failures import AwsCallError, AwsNoAnswerError
from clipper_sls.domain.query import Deadline

Item = dict[str, Any]
Key = tuple[str, ...]

_EQUAL = re.compile(r"(#\w+) = (:\w+)")
_BETWEEN = re.compile(r"(#\w+) BETWEEN (:\w+) AND (:\w+)")
_ABSENT = re.compile(r"attribute_not_exists\((#\w+)\)")


@dataclass(eq=False)
class PendingCall:
    """A call that has been made, and waits for the test to do something with it."""

    operation: str
    payload: Mapping[str, Any]
    answer: "asyncio.Future[dict[str, Any]]"
    caller: "asyncio.Task[Any] | None"


class FakeDynamo:
    """`keys` are the names of the key's attributes. With `is_stepped` a call waits in `pending` until it is done."""

    def __init__(self, keys: Sequence[str], *, is_stepped: bool = False) -> None:
        self._keys = keys
        self._is_stepped = is_stepped
        self.items: dict[Key, Item] = {}
        self.pending: list[PendingCall] = []
        self.calls: list[str] = []
        self._before: dict[Key, Item] = {}

    async def call(
        self, service: str, operation: str, payload: Mapping[str, Any], deadline: Deadline, *, may_repeat: bool = True
    ) -> dict[str, Any]:
        self.calls.append(operation)
        if not self._is_stepped:
            return self._done(operation, payload)
        pending = PendingCall(operation, payload, asyncio.get_running_loop().create_future(), asyncio.current_task())
        self.pending.append(pending)
        try:
            return await pending.answer
        finally:
            if pending in self.pending:
                self.pending.remove(pending)

    def do(self, pending: PendingCall, *, stale: bool = False) -> None:
        """Do what a call asks, and answer it; `stale`: from before the last write, where it may be."""
        self.pending.remove(pending)
        try:
            answer = self._done(pending.operation, pending.payload, stale=stale)
        except AwsCallError as error:
            pending.answer.set_exception(error)
        else:
            pending.answer.set_result(answer)

    def do_twice(self, pending: PendingCall) -> None:
        """The first answer is lost on its way, so the client asks again."""
        self._try(pending)
        self.do(pending)

    def lose(self, pending: PendingCall, *, is_done: bool) -> None:
        """The connection breaks, and does so each time; what was asked is done all the same, or not."""
        self.pending.remove(pending)
        if is_done:
            self._try(pending)
        pending.answer.set_exception(AwsNoAnswerError("dynamodb", pending.operation, "broke off", was_done=None))

    def kill(self, pending: PendingCall, *, is_done: bool) -> None:
        """Whoever called ends before it hears of an answer; what was asked is done all the same, or not."""
        self.pending.remove(pending)
        if is_done:
            self._try(pending)
        assert pending.caller is not None
        pending.caller.cancel()

    def _try(self, pending: PendingCall) -> None:
        with suppress(AwsCallError):
            self._done(pending.operation, pending.payload)

    def _done(self, operation: str, payload: Mapping[str, Any], *, stale: bool = False) -> dict[str, Any]:
        match operation:
            case "GetItem":
                item = self._readable(payload, stale).get(self._key(payload["Key"]))
                return {} if item is None else {"Item": item}
            case "PutItem":
                return self._put(payload)
            case "BatchGetItem":
                return self._get_many(payload["RequestItems"], stale)
            case "BatchWriteItem":
                return self._write_many(payload["RequestItems"])
            case "Query":
                items = self._readable(payload, stale)
                found = [items[key] for key in sorted(items) if _holds("KeyConditionExpression", payload, items[key])]
                return {"Items": found}
            case _:
                raise AssertionError(f"unknown operation {operation}")

    def _put(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        item = payload["Item"]
        present = self.items.get(self._key(item), {})
        if "ConditionExpression" in payload and not _holds("ConditionExpression", payload, present):
            raise AwsCallError("dynamodb", "PutItem", "ConditionalCheckFailedException", "The request failed", 400)
        self._before = dict(self.items)
        self.items[self._key(item)] = item
        return {}

    def _get_many(self, requests: Mapping[str, Any], stale: bool) -> dict[str, Any]:
        ((table, asked),) = requests.items()
        items = self._readable(asked, stale)
        keys = [self._key(key) for key in asked["Keys"]]
        return {"Responses": {table: [items[key] for key in keys if key in items]}, "UnprocessedKeys": {}}

    def _write_many(self, requests: Mapping[str, Any]) -> dict[str, Any]:
        ((_, writes),) = requests.items()
        self._before = dict(self.items)
        for write in writes:
            match write:
                case {"PutRequest": {"Item": item}}:
                    self.items[self._key(item)] = item
                case {"DeleteRequest": {"Key": key}}:
                    self.items.pop(self._key(key), None)
        return {"UnprocessedItems": {}}

    def _readable(self, payload: Mapping[str, Any], stale: bool) -> Mapping[Key, Item]:
        return self._before if stale and not payload.get("ConsistentRead") else self.items

    def _key(self, item: Mapping[str, Any]) -> Key:
        return tuple(next(iter(item[name].values())) for name in self._keys)


def _holds(field: str, payload: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    """Whether a condition, of parts that are joined by AND, holds of an item; of one that is absent `item` is empty."""
    names, values = payload.get("ExpressionAttributeNames", {}), payload.get("ExpressionAttributeValues", {})
    left = payload[field]
    holds = True
    for name, low, high in _BETWEEN.findall(left):
        holds = holds and _text(values[low]) <= _text(item[names[name]]) <= _text(values[high])
    left = _BETWEEN.sub("", left)
    for name, value in _EQUAL.findall(left):
        holds = holds and item.get(names[name]) == values[value]
    for name in _ABSENT.findall(left):
        holds = holds and names[name] not in item
    rest = _ABSENT.sub("", _EQUAL.sub("", left)).replace("AND", "").strip()
    assert not rest, f"unknown condition {payload[field]!r}"
    return holds


def _text(value: Mapping[str, Any]) -> str:
    return str(next(iter(value.values())))
