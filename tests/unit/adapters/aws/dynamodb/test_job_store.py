"""What the contract suite cannot see of jobs in DynamoDB."""

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from clipper_sls.adapters.aws.dynamodb.job_store import DynamoJobStore
from clipper_sls.adapters.aws.dynamodb.table import REFUSED_BY_CONDITION, DynamoTable
from clipper_sls.adapters.aws.failures import AwsCallError
from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.jobs.job import Done, Failed, Job, JobId
from clipper_sls.domain.jobs.outcome_json import job_to_json
from clipper_sls.domain.query import Deadline
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.testing.clock import ManualClock

JOB = JobId("a" * 32)


class ScriptedDynamo:
    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    async def call(self, service: str, operation: str, payload: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        self.asked.append((operation, payload))
        answer = self.answers.get(operation, {})
        if isinstance(answer, Exception):
            raise answer
        return answer


def store(client: ScriptedDynamo) -> DynamoJobStore:
    clock = ManualClock()
    return DynamoJobStore(DynamoTable(client, "jobs", clock=clock, limit_s=5), clock=clock, new_id=lambda: "mine")


def found(result: str) -> AwsCallError:
    item = {"Item": {"result": {"S": result}}}
    return AwsCallError("dynamodb", "UpdateItem", REFUSED_BY_CONDITION, "", 400, item)


async def test_a_result_that_was_kept_and_whose_answer_was_lost_is_ours() -> None:
    finished = await store(ScriptedDynamo(UpdateItem=found("result-mine"))).finish(
        JOB, Done([]), finished_at=1.0, forget_at=2.0
    )
    assert finished


async def test_a_result_of_somebody_else_is_not_ours() -> None:
    finished = await store(ScriptedDynamo(UpdateItem=found("result-other"))).finish(
        JOB, Done([]), finished_at=1.0, forget_at=2.0
    )
    assert not finished


async def test_rows_of_a_job_that_failed_are_kept_as_long_as_its_message_may_be_redriven() -> None:
    client = ScriptedDynamo(UpdateItem={"Attributes": {"row_parts": {"N": "2"}}})
    await store(client).finish(JOB, Failed("job_failed", "no"), finished_at=1.0, forget_at=99.5)
    prolonged = [payload for operation, payload in client.asked if operation == "UpdateItem"][1:]
    assert [payload["Key"]["item"]["S"] for payload in prolonged] == ["rows#0000", "rows#0001"]
    assert all(payload["ExpressionAttributeValues"][":expires"] == {"N": "100"} for payload in prolonged)


async def test_a_result_of_which_a_part_is_missing_is_an_error_and_no_shorter_result() -> None:
    job = Job(JOB, AppName("shop"), False, 1, 0.0, 1.0, 9e9)
    item = {
        "record": {"B": base64.b64encode(job_to_json(job)).decode()},
        "forget_at": {"N": "9e9"},
        "row_parts": {"N": "0"},
        "result": {"S": "result-x"},
        "result_parts": {"N": "2"},
        "finished_at": {"N": "1.0"},
    }
    client = ScriptedDynamo(GetItem={"Item": item}, BatchGetItem={"Responses": {"jobs": []}})
    with pytest.raises(StoreUnavailableError, match="only 0 of 2 parts"):
        await store(client).read(JOB)
