"""The functions with the rights that the template gives their roles, and no others, below MiniStack's own IAM."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from samtranslator.yaml_helper import yaml_parse

from clipper_sls.domain.changes import Put
from clipper_sls.domain.functions.names import StackNames
from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import Application
from clipper_sls.testing.ministack import ACCOUNT, REGION, MiniStackUnderTest, ministack
from clipper_sls.testing.stack_function import StackFunctionUnderTest, stack_function
from clipper_sls.testing.stack_resources import StackUnderTest
from tests.functional.aws.stack.test_jobs_and_warm_up import delivered

TEMPLATE = Path(__file__).parents[4] / "template.yaml"
BATCHES = ("sqs:SendMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility")
"""Rights that on AWS are for batches, too; MiniStack has another one for each of those."""

SUB = re.compile(r"\$\{([\w:.]+)\}")


@pytest.fixture(scope="module")
def shared_ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStackUnderTest]:
    """An AWS that asks its IAM about each call. Whoever is `test` is its root."""
    with ministack(tmp_path_factory.mktemp("guarded"), environment={"AUTH": "true"}) as server:
        iam = boto3.client(
            "iam", REGION, endpoint_url=server.url, aws_access_key_id="test", aws_secret_access_key="test"
        )
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        iam.create_role(RoleName=StackNames("s-rights").model_role(REGION), AssumeRolePolicyDocument=trust)
        yield server


class _Names:
    """The template's names and ARNs, filled in."""

    def __init__(self, stack: StackUnderTest) -> None:
        names, place = stack.names, f"{REGION}:{ACCOUNT}"
        tables = {"Registry": names.registry_table, "Selection": names.selection_table, "Cache": names.cache_table}
        tables |= {"Jobs": names.jobs_table}
        queues = {"JobsQueue": names.jobs_queue, "DeadLetterQueue": names.dead_letter_queue}
        self._known = {
            "AWS::StackName": names.stack,
            "AWS::Region": REGION,
            "AWS::AccountId": ACCOUNT,
            "AWS::Partition": "aws",
            "PayloadBucket.Arn": f"arn:aws:s3:::{stack.bucket}",
            "QueryFunction.Arn": f"arn:aws:lambda:{place}:function:{names.query_function}",
            **{f"{name}Table.Arn": f"arn:aws:dynamodb:{place}:table/{table}" for name, table in tables.items()},
            **{f"{name}.Arn": f"arn:aws:sqs:{place}:{queue}" for name, queue in queues.items()},
        }

    def filled(self, node: Any) -> Any:
        match node:
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return self._known.get(f"{name}.{attribute}", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}:*")
            case {"Fn::Sub": str(text)}:
                return SUB.sub(lambda found: self._known[found[1]], text)
            case dict():
                return {name: self.filled(value) for name, value in node.items()}
            case list():
                return [self.filled(one) for one in node]
            case _:
                return node


AsRole = Callable[..., Mapping[str, str]]


@pytest.fixture(scope="module")
def as_role(stack: StackUnderTest) -> AsRole:
    """The environment of a function that has a role of the template, all policies included: `as_role("QueryRole")`."""
    resources, iam, names = yaml_parse(TEMPLATE.read_text())["Resources"], stack.client("iam"), _Names(stack)

    def environment(role: str) -> Mapping[str, str]:
        properties = resources[role]["Properties"]
        documents = [policy["PolicyDocument"] for policy in properties["Policies"]]
        if {"Ref": "AskingPolicy"} in properties.get("ManagedPolicyArns", []):
            documents.append(resources["AskingPolicy"]["Properties"]["PolicyDocument"])
        iam.create_user(UserName=role)
        for number, document in enumerate(documents):
            text = json.dumps(names.filled(document))
            for action in BATCHES:
                text = text.replace(f'"{action}"', f'"{action}", "{action}Batch"')
            iam.put_user_policy(UserName=role, PolicyName=f"p{number}", PolicyDocument=text)
        key = iam.create_access_key(UserName=role)["AccessKey"]
        secrets = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        return {**stack.environment, **secrets, "CLIPPER_SLS_CACHE": "dynamodb"}

    return environment


@pytest.fixture(scope="module")
def query(as_role: AsRole, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackFunctionUnderTest]:
    log = tmp_path_factory.mktemp("query") / "log"
    with stack_function("query", as_role("QueryRole"), log=log) as function:
        yield function


def _denied(function: StackFunctionUnderTest) -> list[str]:
    return [
        line for line in function.log.read_text().splitlines() if "AccessDenied" in line or "not authorized" in line
    ]


def test_queries_and_feedback_need_no_more_than_the_query_functions_role(
    ask, stack: StackUnderTest, query: StackFunctionUnderTest
) -> None:
    for _ in range(3):  # the second cache keeps what comes twice
        assert ask("POST", "/digits/predict", {"input": [1.0, 2.5]}).json()["output"] == 3.5
    update = ask("POST", "/digits/update", {"uid": 0, "input": [1.0], "label": 1.0})
    assert update.status == 200, update.body
    assert _denied(query) == []


def test_jobs_need_no_more_than_the_roles_of_those_who_take_them_in_and_do_them(
    ask, stack: StackUnderTest, query: StackFunctionUnderTest, as_role: AsRole, tmp_path: Path
) -> None:
    taken = ask("POST", "/digits/predict", {"input": [4.0]}, {"prefer": "respond-async"})
    assert taken.status == 202, taken.body
    with stack_function("jobs", as_role("JobsRole"), log=tmp_path / "log") as consumer:
        assert consumer.ask(delivered(stack)) == {"batchItemFailures": []}
        assert _denied(consumer) == []
    assert ask("GET", taken.headers["location"]).json()["status"] == "done"
    assert _denied(query) == []


def test_warm_up_needs_no_more_than_its_role(as_role: AsRole, tmp_path: Path) -> None:
    with stack_function("warmup", as_role("WarmUpRole"), log=tmp_path / "log") as function:
        function.ask({})
        assert _denied(function) == []


def test_management_needs_no_more_than_its_role(
    as_role: AsRole, stack: StackUnderTest, http_api, tmp_path: Path
) -> None:
    sqs = stack.client("sqs")
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=stack.names.dead_letter_queue)["QueueUrl"], MessageBody="{}")
    with stack_function("management", as_role("ManagementRole"), log=tmp_path / "log") as function:

        def asked(path: str, body: dict[str, Any]) -> Any:
            answer = http_api(function, "POST", f"/admin/{path}", body)
            assert answer.status == 200, answer.body
            return answer

        asked("add_app", {"name": "later", "input_type": "doubles", "default_output": "none", "latency_slo_micros": 1})
        assert len(asked("get_dead_jobs", {"limit": 10}).json()) == 1
        assert asked("redrive_dead_jobs", {}).json() == {"redriven": 1}  # one by one: SQS's own move needs more
        assert asked("purge_dead_jobs", {}).json() == {"purged": 0}
        assert _denied(function) == []


def test_a_right_that_a_role_lacks_is_missed(as_role: AsRole, stack: StackUnderTest, http_api, tmp_path: Path) -> None:
    """So that the tests above say something: this IAM refuses, and the function says what."""
    stack.register([Put(Application(AppName("again"), InputType.DOUBLES, "none", 1_000_000))])
    variables = {**as_role("ModelRole"), "CLIPPER_SLS_CACHE": "none"}
    with stack_function("query", variables, log=tmp_path / "log") as function:
        assert http_api(function, "POST", "/digits/predict", {"input": [1.0]}).status == 503
