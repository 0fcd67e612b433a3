"""Jobs and their results in DynamoDB.

A job is one item, `job`, which is changed once by a condition that at most one result meets. What does not fit into it
lies in items beside it, `rows#0000` and so on, and `result-<name>#0000`, written before the item that tells of them.
What a writer that lost has left is removed by its time to live.
"""

import asyncio
import base64
import math
from collections.abc import Callable
from typing import Any

from clipper_sls.adapters.aws.dynamodb.table import Condition, DynamoTable, Item
from clipper_sls.adapters.aws.dynamodb.tables import TTL_ATTRIBUTE
from clipper_sls.domain.jobs.job import Failed, Job, JobId, JobRecord, Outcome
from clipper_sls.domain.jobs.outcome_json import job_from_json, job_to_json, outcome_from_json, outcome_to_json
from clipper_sls.domain.query import Deadline
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.ports.clock import Clock

PART_BYTES = 350_000
"""An item may have 400 KB, names and other attributes included."""

ROWS = "rows"
_NAMES = {"#job": "job", "#forget": "forget_at", "#result": "result", "#failed": "failed"}


class DynamoJobStore:
    """Implements `JobStore`. `new_id` gives names that nobody else gives."""

    def __init__(self, table: DynamoTable, *, clock: Clock, new_id: Callable[[], str]) -> None:
        self._table = table
        self._clock = clock
        self._new_id = new_id

    async def create(self, job: Job, content: bytes | None = None) -> None:
        deadline = self._table.deadline()
        parts = 0 if content is None else await self._keep(job.id, ROWS, content, job.forget_at, deadline)
        await self._table.put(
            {
                **_key(job.id),
                "record": _binary(job_to_json(job)),
                "row_parts": _number(parts),
                **_times(job.forget_at),
            },
            deadline,
        )

    async def read(self, job_id: JobId) -> JobRecord | None:
        deadline = self._table.deadline()
        item = await self._found(job_id, deadline)
        if item is None:
            return None
        job = job_from_json(_bytes_of(item, "record"))
        if "result" not in item:
            return JobRecord(job)
        name, parts = item["result"]["S"], int(item["result_parts"]["N"])
        text = await self._kept(job_id, name, parts, deadline) if parts else _bytes_of(item, "outcome")
        return JobRecord(job, outcome_from_json(text), float(item["finished_at"]["N"]))

    async def content(self, job_id: JobId) -> bytes | None:
        deadline = self._table.deadline()
        item = await self._found(job_id, deadline)
        parts = 0 if item is None else int(item["row_parts"]["N"])
        return await self._kept(job_id, ROWS, parts, deadline) if parts else None

    async def finish(self, job_id: JobId, outcome: Outcome, *, finished_at: float, forget_at: float) -> bool:
        deadline = self._table.deadline()
        name, text = f"result-{self._new_id()}", outcome_to_json(outcome)
        parts = await self._keep(job_id, name, text, forget_at, deadline) if len(text) > PART_BYTES else 0
        is_kept, item = await self._table.update(
            _key(job_id),
            _CHANGE,
            _condition(outcome, self._clock.wall(), name, parts, text, finished_at, forget_at),
            deadline,
        )
        if not is_kept:
            return item.get("result", {}).get("S") == name  # it was kept before, and the answer was lost
        if isinstance(outcome, Failed):
            await self._prolong(job_id, int(item["row_parts"]["N"]), forget_at, deadline)
        return True

    async def _found(self, job_id: JobId, deadline: Deadline) -> Item | None:
        """DynamoDB removes what is too old when it has time, within some days."""
        item = await self._table.get(_key(job_id), deadline)
        if item is None or float(item["forget_at"]["N"]) <= self._clock.wall():
            return None
        return item

    async def _keep(self, job_id: JobId, name: str, content: bytes, forget_at: float, deadline: Deadline) -> int:
        """Write `content` in parts; returns in how many, at least one."""
        parts = [content[start : start + PART_BYTES] for start in range(0, max(1, len(content)), PART_BYTES)]
        items = [
            {**_key(job_id, _part(name, number)), "content": _binary(part), **_times(forget_at)}
            for number, part in enumerate(parts)
        ]
        await self._table.put_all(items, deadline)
        return len(parts)

    async def _kept(self, job_id: JobId, name: str, parts: int, deadline: Deadline) -> bytes:
        keys = [_key(job_id, _part(name, number)) for number in range(parts)]
        items = await self._table.find(keys, deadline, consistent=True)
        if len(items) != parts:
            raise StoreUnavailableError(
                f"The table {self._table.name} of DynamoDB has only {len(items)} of {parts} parts of {name} of {job_id}"
            )
        return b"".join(_bytes_of(item, "content") for item in sorted(items, key=lambda item: str(item["item"]["S"])))

    async def _prolong(self, job_id: JobId, parts: int, forget_at: float, deadline: Deadline) -> None:
        """The rows of a job that failed may be wanted again, for as long as its message is among the dead letters."""
        change = f"SET #forget = :forget, {TTL_ATTRIBUTE} = :expires"
        condition = Condition(
            "attribute_exists(#job)",
            {"#job": "job", "#forget": "forget_at"},
            {":forget": _number(forget_at), ":expires": _number(math.ceil(forget_at))},
        )
        keys = [_key(job_id, _part(ROWS, number)) for number in range(parts)]
        await asyncio.gather(*(self._table.update(key, change, condition, deadline) for key in keys))


_CHANGE = (
    "SET #result = :result, result_parts = :parts, outcome = :outcome, #failed = :is_failed, "
    f"finished_at = :finished, #forget = :forget, {TTL_ATTRIBUTE} = :expires"
)


def _condition(
    outcome: Outcome, now: float, name: str, parts: int, text: bytes, finished_at: float, forget_at: float
) -> Condition:
    """`domain.jobs.job.counts`, as DynamoDB reads it."""
    is_failed = isinstance(outcome, Failed)
    open_if = "attribute_not_exists(#result)" if is_failed else "(attribute_not_exists(#result) OR #failed = :yes)"
    values: dict[str, Any] = {
        ":now": _number(now),
        ":result": {"S": name},
        ":parts": _number(parts),
        ":outcome": _binary(b"" if parts else text),
        ":is_failed": {"BOOL": is_failed},
        ":finished": _number(finished_at),
        ":forget": _number(forget_at),
        ":expires": _number(math.ceil(forget_at)),
        **({} if is_failed else {":yes": {"BOOL": True}}),
    }
    return Condition(f"attribute_exists(#job) AND #forget > :now AND {open_if}", _NAMES, values)


def _key(job_id: JobId, item: str = "job") -> Item:
    return {"job": {"S": job_id}, "item": {"S": item}}


def _part(name: str, number: int) -> str:
    return f"{name}#{number:04}"


def _times(forget_at: float) -> Item:
    return {"forget_at": _number(forget_at), TTL_ATTRIBUTE: _number(math.ceil(forget_at))}


def _number(value: float) -> dict[str, str]:
    return {"N": repr(value)}


def _binary(content: bytes) -> dict[str, str]:
    return {"B": base64.b64encode(content).decode()}


def _bytes_of(item: Item, attribute: str) -> bytes:
    return base64.b64decode(item[attribute]["B"])
