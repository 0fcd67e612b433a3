"""What boto3 itself takes for a table's definition."""

import boto3
import pytest
from botocore.validate import validate_parameters

from clipper_sls.adapters.aws.dynamodb.tables import CACHE, Table, creation, expiry, tables
from clipper_sls.domain.functions.names import StackNames

STACK = tables(StackNames("shop"))


@pytest.fixture(scope="module")
def shapes():
    return boto3.Session().client("dynamodb", region_name="eu-west-1").meta.service_model


@pytest.mark.parametrize("name", STACK)
def test_a_definition_is_one_that_aws_takes(name: str, shapes) -> None:
    table = STACK[name]
    validate_parameters(creation(name, table), shapes.operation_model("CreateTable").input_shape)
    expires = expiry(name, table)
    if expires is not None:
        validate_parameters(expires, shapes.operation_model("UpdateTimeToLive").input_shape)


@pytest.mark.parametrize("table", STACK.values())
def test_every_key_is_declared_once(table: Table) -> None:
    asked = creation("t", table)
    assert [key["AttributeName"] for key in asked["KeySchema"]] == [key.name for key in table.keys]
    assert len(asked["AttributeDefinitions"]) == len(table.keys)


def test_of_a_cache_nothing_need_be_recovered_and_nothing_stays() -> None:
    assert not CACHE.is_recoverable
    assert CACHE.ttl is not None
