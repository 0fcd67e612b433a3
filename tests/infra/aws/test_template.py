"""The core stack's template, the handlers, their settings and the names in the code are one thing."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from clipper_sls.adapters.aws.dynamodb.tables import Table, tables
from clipper_sls.adapters.aws.sqs.job_queue import MAX_MESSAGE_BYTES
from clipper_sls.config.handler_settings import PREFIX, HandlerSettings
from clipper_sls.domain.functions.names import StackNames


def _of_type(template: Mapping[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {name: one["Properties"] for name, one in template["Resources"].items() if one["Type"] == kind}


def test_cfn_lint_finds_nothing(root: Path) -> None:
    found = subprocess.run(
        [
            Path(sys.executable).parent / "cfn-lint",
            "template.yaml",
            *(str(path) for path in (root / "infra").glob("*.yaml")),
        ],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert found.stdout == ""
    assert found.returncode == 0


def test_every_name_is_the_codes(template: Mapping[str, Any], names: StackNames, named: Callable[[Any], str]) -> None:
    wanted = {
        ("AWS::Lambda::Function", "FunctionName"): {
            names.query_function,
            names.management_function,
            names.jobs_function,
            names.warm_up_function,
        },
        ("AWS::DynamoDB::Table", "TableName"): set(tables(names)),
        ("AWS::SQS::Queue", "QueueName"): {names.jobs_queue, names.dead_letter_queue},
        ("AWS::ECR::Repository", "RepositoryName"): {names.image_repository},
        ("AWS::S3::Bucket", "BucketName"): {names.payload_bucket("123456789012", "eu-west-1")},
    }
    found = {key: {named(one[key[1]]) for one in _of_type(template, key[0]).values()} for key in wanted}
    assert found == wanted


def test_the_models_role_is_named_by_the_code(
    template: Mapping[str, Any], names: StackNames, named: Callable[[Any], str]
) -> None:
    assert named(template["Resources"]["ModelRole"]["Properties"]["RoleName"]) == names.model_role("eu-west-1")


def test_every_function_writes_to_a_log_group_that_is_kept_for_a_while(
    template: Mapping[str, Any], named: Callable[[Any], str]
) -> None:
    groups = _of_type(template, "AWS::Logs::LogGroup")
    for function in _of_type(template, "AWS::Lambda::Function").values():
        group = groups[function["LoggingConfig"]["LogGroup"]["Ref"]]
        assert named(group["LogGroupName"]) == f"/aws/lambda/{named(function['FunctionName'])}"
    assert all("RetentionInDays" in group for group in groups.values())


def test_tables_are_what_the_adapters_expect(
    template: Mapping[str, Any], names: StackNames, named: Callable[[Any], str]
) -> None:
    declared = {named(one["TableName"]): one for one in _of_type(template, "AWS::DynamoDB::Table").values()}
    for name, table in tables(names).items():
        _check_table(declared[name], table)


def _check_table(declared: Mapping[str, Any], table: Table) -> None:
    types = {one["AttributeName"]: one["AttributeType"] for one in declared["AttributeDefinitions"]}
    keys = [(one["AttributeName"], one["KeyType"]) for one in declared["KeySchema"]]
    assert keys == list(zip((key.name for key in table.keys), ("HASH", "RANGE"), strict=False))
    assert types == {key.name: key.type for key in table.keys}
    expiry = {"AttributeName": table.ttl, "Enabled": True} if table.ttl else None
    assert declared.get("TimeToLiveSpecification") == expiry
    recovery = declared.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled", False)
    assert recovery is table.is_recoverable
    assert declared["BillingMode"] == "PAY_PER_REQUEST"


def test_the_registry_outlives_its_stack(template: Mapping[str, Any]) -> None:
    registry = template["Resources"]["RegistryTable"]
    assert (registry["DeletionPolicy"], registry["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_models_have_no_rights_to_payloads(template: Mapping[str, Any]) -> None:
    """They get and put by presigned URLs, and whoever may read one object of the bucket may read all."""
    (policy,) = template["Resources"]["ModelRole"]["Properties"]["Policies"]
    actions = {action for one in policy["PolicyDocument"]["Statement"] for action in one["Action"]}
    assert {action.partition(":")[0] for action in actions} == {"logs"}


def test_queues_take_what_jobs_send(template: Mapping[str, Any]) -> None:
    for queue in _of_type(template, "AWS::SQS::Queue").values():
        assert queue["MaximumMessageSize"] >= MAX_MESSAGE_BYTES


def test_variables_of_functions_are_settings_and_settings_variables(template: Mapping[str, Any]) -> None:
    settings = {f"{PREFIX}{field.name.upper()}" for field in fields(HandlerSettings)}
    for function in _of_type(template, "AWS::Lambda::Function").values():
        assert set(function["Environment"]["Variables"]) == settings


def test_defaults_of_the_template_are_those_of_the_settings(template: Mapping[str, Any]) -> None:
    variables = template["Resources"]["QueryFunction"]["Properties"]["Environment"]["Variables"]
    parameters = template["Parameters"]
    given = {
        name: str(parameters[value["Ref"]]["Default"])
        for name, value in variables.items()
        if isinstance(value, dict) and value.get("Ref") in parameters
    }
    loaded = HandlerSettings.load({**given, f"{PREFIX}STACK_NAME": "shop"})
    assert loaded == HandlerSettings(stack_name="shop")


def test_a_message_is_hidden_six_times_as_long_as_its_consumer_may_take(template: Mapping[str, Any]) -> None:
    queue = template["Resources"]["JobsQueue"]["Properties"]
    function = template["Resources"]["JobsFunction"]["Properties"]
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]


def test_the_consumer_reports_which_messages_failed(template: Mapping[str, Any]) -> None:
    (mapping,) = _of_type(template, "AWS::Lambda::EventSourceMapping").values()
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert {"MaximumBatchingWindowInSeconds", "ScalingConfig"} <= mapping.keys()


def test_management_is_iams_whatever_the_parameters(template: Mapping[str, Any]) -> None:
    routes = [
        one
        for one in _of_type(template, "AWS::ApiGatewayV2::Route").values()
        if one["ApiId"] == {"Ref": "ManagementApi"}
    ]
    assert [route["AuthorizationType"] for route in routes] == ["AWS_IAM"]


@pytest.mark.parametrize("parameter", ["WarmUp", "Cache", "Tracing"])
def test_what_costs_while_idle_is_off_by_default(template: Mapping[str, Any], parameter: str) -> None:
    assert template["Parameters"][parameter]["Default"] in ("off", "none")


def test_outputs_name_what_the_sdk_needs(template: Mapping[str, Any]) -> None:
    assert {"QueryUrl", "ManagementUrl", "ModelRepositoryUri", "ModelRoleArn", "PayloadBucket"} <= set(
        template["Outputs"]
    )
