"""Selection states in DynamoDB: an item each, replaced under the condition that nobody else has."""

from base64 import b64decode, b64encode
from collections.abc import Callable

from clipper_sls.adapters.aws.dynamodb.table import Condition, DynamoTable, Item
from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.selection.state_rules import check_size, stale
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.ports.selection_state_store import VersionedState

_IS_NEW = Condition("attribute_not_exists(#item)", {"#item": "item"})


class DynamoSelectionStates:
    """`new_id` gives a text that it never gives twice, in no process: a write whose answer was lost is known by it."""

    def __init__(self, table: DynamoTable, *, new_id: Callable[[], str]) -> None:
        self._table = table
        self._new_id = new_id

    async def read(self, application: AppName, user_id: int | None) -> VersionedState | None:
        item = await self._table.get(_key(application, user_id), self._table.deadline())
        if item is None:
            return None
        try:
            return VersionedState(b64decode(item["state"]["B"]), int(item["revision"]["N"]))
        except (KeyError, TypeError, ValueError) as error:
            raise StoreUnavailableError(
                f"The selection state of '{application}' in the table {self._table.name} of DynamoDB cannot be read "
                f"({error!r}); remove its item, and its policy begins anew"
            ) from error

    async def write(
        self, application: AppName, user_id: int | None, state: bytes, expected_revision: int
    ) -> VersionedState:
        check_size(application, state)
        written, write = VersionedState(state, expected_revision + 1), self._new_id()
        item = {
            **_key(application, user_id),
            "revision": {"N": str(written.revision)},
            "state": {"B": b64encode(state).decode()},
            "write": {"S": write},
        }
        condition, deadline = _IS_NEW, self._table.deadline()
        if expected_revision:
            values = {":expected": {"N": str(expected_revision)}}
            condition = Condition("#revision = :expected", {"#revision": "revision"}, values)
        if not await self._table.put(item, deadline, condition):
            present = await self._table.get(_key(application, user_id), deadline)
            if present is None or present.get("write") != {"S": write}:
                raise stale(application, user_id, expected_revision)
        return written

    async def forget(self, application: AppName) -> None:
        deadline = self._table.deadline()
        names = {"#partition": "partition"}
        key = Condition("#partition = :partition", names, {":partition": {"S": _partition(application)}})
        found = self._table.query(key, deadline, consistent=True, attributes=("item",))
        await self._table.remove(
            [{"partition": {"S": _partition(application)}, "item": item["item"]} async for item in found], deadline
        )


def _partition(application: AppName) -> str:
    return f"state#{application}"


def _key(application: AppName, user_id: int | None) -> Item:
    item = "all" if user_id is None else f"user#{user_id}"
    return {"partition": {"S": _partition(application)}, "item": {"S": item}}
