"""Policies name actions and resources. `*` stands where AWS knows nothing to name, and only there."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

WITHOUT_RESOURCE = {
    # What the Service Authorization Reference gives no resource for,
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ecr:GetAuthorizationToken",
    "lambda:ListFunctions",
    # and what Lambda asks with a function's role before there is a network interface to name, and refuses otherwise:
    # docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html, "Required IAM permissions".
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
}
OPEN_ENDED = (
    # Part of a name that only a later deployment knows: models, their logs, objects in a bucket.
    "-model-*",
    "}/*",
    "/$default/*",
)


def _policies(node: Any) -> Iterator[Mapping[str, Any]]:
    """Every policy document in `node`."""
    if isinstance(node, Mapping):
        if "Statement" in node:
            yield node
        for value in node.values():
            yield from _policies(value)
    elif isinstance(node, list):
        for value in node:
            yield from _policies(value)


def _allowed(template: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    documents = _policies(template["Resources"])
    return [one for document in documents for one in _list(document["Statement"]) if one["Effect"] == "Allow"]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(resource: Any) -> str:
    return resource if isinstance(resource, str) else str(next(iter(resource.values())))


def test_there_are_policies(templates: Mapping[str, Mapping[str, Any]]) -> None:
    assert len(_allowed(templates["template.yaml"])) > 10


def test_no_action_has_a_wildcard(templates: Mapping[str, Mapping[str, Any]]) -> None:
    actions = [
        action for template in templates.values() for one in _allowed(template) for action in _list(one["Action"])
    ]
    assert [action for action in actions if "*" in action] == []
    assert not any("NotAction" in one for template in templates.values() for one in _allowed(template))


def test_a_resource_is_any_only_where_aws_forces_it(templates: Mapping[str, Mapping[str, Any]]) -> None:
    for template in templates.values():
        for one in _allowed(template):
            assert "NotResource" not in one
            if "*" in _list(one.get("Resource", [])):
                assert set(_list(one["Action"])) <= WITHOUT_RESOURCE, one


def test_a_wildcard_within_a_resource_stands_for_what_nobody_knows_yet(
    templates: Mapping[str, Mapping[str, Any]],
) -> None:
    resources = [
        _text(resource)
        for template in templates.values()
        for one in _allowed(template)
        for resource in _list(one.get("Resource", []))
    ]
    partly = [text for text in resources if "*" in text and text != "*"]
    assert [text for text in partly if not text.endswith(OPEN_ENDED) or text.count("*") > 1] == []


def test_nobody_but_services_takes_a_role(templates: Mapping[str, Mapping[str, Any]]) -> None:
    for template in templates.values():
        for one in _allowed(template):
            if "Principal" in one:
                assert set(one["Principal"]) == {"Service"}


def test_the_query_function_cannot_change_the_registry(template: Mapping[str, Any]) -> None:
    writing = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"}
    asking = template["Resources"]["AskingPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    registry = [one for one in asking if {"Fn::GetAtt": ["RegistryTable", "Arn"]} in _list(one["Resource"])]
    assert registry
    assert not any(writing & set(_list(one["Action"])) for one in registry)


def test_the_deployers_policy_has_the_rights_that_the_documents_list(
    root: Path, templates: Mapping[str, Mapping[str, Any]]
) -> None:
    page = (root / "docs/architecture/11-functions-and-aliases.md").read_text()
    listed = set(re.findall(r"`((?:cloudformation|lambda|ecr|logs|iam|execute-api):\w+)`", page))
    allowed = {action for one in _allowed(templates["deployer.yaml"]) for action in _list(one["Action"])}
    assert listed
    assert listed - allowed == set()
