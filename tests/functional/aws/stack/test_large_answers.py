"""Answers that AWS would not take, which it would call a failure of the function."""

import json

import pytest

from clipper_sls.bootstrap.aws.http_function import MAX_BALANCED_BYTES
from clipper_sls.domain.changes import Put
from clipper_sls.domain.envelope import MAX_PAYLOAD_BYTES
from clipper_sls.domain.identifiers import AppName, ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import Application, Current, Link, ModelVersion, Switch
from clipper_sls.testing.stack_function import StackFunctionUnderTest
from clipper_sls.testing.stack_resources import StackUnderTest
from tests.functional.aws.stack.conftest import FRONTS

LONG = ModelId.of("long", 1)
OUTPUT_BYTES = MAX_BALANCED_BYTES * 3 // 4
LONG_CODE = f"""
def handler(event, context):
    return {{"outputs": ["x" * {OUTPUT_BYTES}] * len(event["lengths"]), "errors": []}}
"""


@pytest.fixture(scope="module")
def long(stack: StackUnderTest) -> str:
    """An application whose outputs have three quarters of a MiB each."""
    application = Application(AppName("long"), InputType.DOUBLES, "none", 20_000_000)
    version = ModelVersion(LONG, InputType.DOUBLES, bundle_digest="c" * 64, function=stack.add_model(LONG, LONG_CODE))
    current = Current(LONG.name, (Switch(LONG.version, 0.0),))
    stack.register([Put(one) for one in (application, version, Link(application.name, LONG.name), current)])
    return "/long/predict"


@pytest.mark.parametrize("name", ["http-api", "rest-api", "function-url"])
def test_more_than_lambda_takes_is_refused_with_what_to_try(
    query: StackFunctionUnderTest, long: str, ask, name: str
) -> None:
    rows = MAX_PAYLOAD_BYTES // OUTPUT_BYTES
    fits = ask("POST", long, {"input_batch": [[1.0]] * (rows - 1)}, front=FRONTS[name])
    assert (fits.status, len(fits.json()["batch_predictions"])) == (200, rows - 1)
    body = json.dumps({"input_batch": [[1.0]] * (rows + 1)}).encode()
    told = query.ask(FRONTS[name].event("POST", long, body))
    assert (told["statusCode"], json.loads(told["body"])["code"]) == (413, "request_too_large")
    assert "Ask for fewer rows" in json.loads(told["body"])["cause"]


@pytest.mark.parametrize("name", ["load-balancer", "load-balancer-with-many-values"])
def test_a_load_balancer_takes_less(ask, long: str, name: str) -> None:
    assert ask("POST", long, {"input": [1.0]}, front=FRONTS[name]).status == 200
    refused = ask("POST", long, {"input_batch": [[1.0]] * 2}, front=FRONTS[name])
    assert (refused.status, refused.headers["x-clipper-error-code"]) == (413, "request_too_large")
    assert int(refused.headers["content-length"]) == len(refused.body)
