"""What DynamoDB leaves undone is asked for again, and what it refuses is said in our words."""

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from clipper_sls.adapters.aws.dynamodb.table import MAX_READS, MAX_WRITES, Condition, DynamoTable
from clipper_sls.adapters.aws.failures import AwsCallError, AwsNoAnswerError
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.domain.query import Deadline
from clipper_sls.errors import StorageFullError, StoreUnavailableError

KEYS = [{"key": {"S": str(number)}} for number in range(250)]


class ScriptedClient:
    """Answers in turn what it was given, errors included; the last one again and again."""

    def __init__(self, *answers: Any) -> None:
        self._answers = [*answers]
        self.asked: list[Mapping[str, Any]] = []

    async def call(
        self, service: str, operation: str, payload: Mapping[str, Any], deadline: Deadline
    ) -> dict[str, Any]:
        self.asked.append(copy.deepcopy(payload))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def _table(client: ScriptedClient, limit_s: float = 10.0) -> DynamoTable:
    return DynamoTable(client, "t", clock=SystemClock(), limit_s=limit_s)


def _refusal(code: str, message: str = "", status: int = 400) -> AwsCallError:
    return AwsCallError("dynamodb", "GetItem", code, message, status)


async def test_keys_are_asked_for_in_batches_that_aws_takes() -> None:
    client = ScriptedClient({"Responses": {"t": [{"key": {"S": "1"}}]}})
    table = _table(client)
    assert len(await table.find(KEYS, table.deadline(), consistent=False)) == 3
    assert [len(asked["RequestItems"]["t"]["Keys"]) for asked in client.asked] == [MAX_READS, MAX_READS, 50]


async def test_keys_that_were_left_undone_are_asked_for_again() -> None:
    left = {"t": {"Keys": [KEYS[1]], "ConsistentRead": True}}
    client = ScriptedClient(
        {"Responses": {"t": [KEYS[0]]}, "UnprocessedKeys": left},
        {"UnprocessedKeys": left},
        {"Responses": {"t": [KEYS[1]]}},
    )
    table = _table(client)
    assert await table.find(KEYS[:2], table.deadline(), consistent=True) == KEYS[:2]
    assert [asked["RequestItems"] for asked in client.asked[1:]] == [left, left]


async def test_writes_that_were_left_undone_are_asked_for_again() -> None:
    left = {"t": [{"PutRequest": {"Item": KEYS[3]}}]}
    client = ScriptedClient({"UnprocessedItems": left}, {})
    table = _table(client)
    await table.put_all(KEYS[:MAX_WRITES], table.deadline())
    assert len(client.asked[0]["RequestItems"]["t"]) == MAX_WRITES
    assert client.asked[1]["RequestItems"] == left


async def test_what_stays_undone_ends_at_the_deadline() -> None:
    table = _table(ScriptedClient({"UnprocessedItems": {"t": [{"DeleteRequest": {"Key": KEYS[0]}}]}}), limit_s=0.1)
    with pytest.raises(StoreUnavailableError, match="asked for more than it gives"):
        await table.remove(KEYS[:1], table.deadline())


async def test_a_query_goes_on_where_aws_stopped() -> None:
    client = ScriptedClient({"Items": KEYS[:2], "LastEvaluatedKey": KEYS[1]}, {"Items": KEYS[2:3]})
    table, key = _table(client), Condition("#p = :p", {"#p": "p"}, {":p": {"S": "x"}})
    items = [item async for item in table.query(key, table.deadline(), consistent=True, attributes=("key",))]
    assert items == KEYS[:3]
    assert client.asked[1]["ExclusiveStartKey"] == KEYS[1]
    assert client.asked[1]["ProjectionExpression"] == "#shown0"
    assert client.asked[1]["ExpressionAttributeNames"] == {"#p": "p", "#shown0": "key"}


async def test_nothing_to_do_asks_nobody() -> None:
    client = ScriptedClient({})
    table = _table(client)
    await table.remove([], table.deadline())
    assert await table.find([], table.deadline(), consistent=False) == []
    assert client.asked == []


@pytest.mark.parametrize(
    ("failure", "error", "says"),
    [
        (_refusal("ResourceNotFoundException"), StoreUnavailableError, "is the stack deployed"),
        (_refusal("AccessDeniedException", "not you"), StoreUnavailableError, "role's permissions"),
        (_refusal("ExpiredTokenException"), StoreUnavailableError, "credentials are still valid"),
        (_refusal("ProvisionedThroughputExceededException"), StoreUnavailableError, "try again"),
        (_refusal("InternalServerError", "oops", 500), StoreUnavailableError, "InternalServerError: oops"),
        (_refusal("ValidationException", "Item size has exceeded ..."), StorageFullError, "no item so large"),
        (_refusal("ValidationException", "The key is wrong"), StoreUnavailableError, "The key is wrong"),
        (AwsNoAnswerError("dynamodb", "GetItem", "nobody", was_done=None), StoreUnavailableError, "reached"),
    ],
)
async def test_failures_are_said_in_our_words(failure: Exception, error: type[Exception], says: str) -> None:
    table = _table(ScriptedClient(failure))
    with pytest.raises(error, match=says) as raised:
        await table.get(KEYS[0], table.deadline())
    assert "table t" in str(raised.value)


async def test_a_condition_that_does_not_hold_is_no_failure() -> None:
    table = _table(ScriptedClient(_refusal("ConditionalCheckFailedException")))
    condition = Condition("attribute_not_exists(#k)", {"#k": "key"})
    assert not await table.put(KEYS[0], table.deadline(), condition)
