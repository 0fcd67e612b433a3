"""Invocations through the endpoint: AWS's client on one side, real environments on the other."""

import asyncio
import base64
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from botocore.exceptions import ClientError

from clipper_sls.domain.envelope import pack_event
from clipper_sls.domain.inputs import InputType
from tests.functional.local_aws.conftest import Plane, aws

ECHO = """
import os
def handler(event, context):
    return {"event": event, "env": dict(os.environ)}
"""
SLEEP = """
import os, time
def handler(event, context):
    time.sleep(event)
    return os.getpid()
"""
VERSION = "def handler(event, context):\n    return context.function_version\n"


async def wait_for_pools(plane: Plane, is_enough: Callable[[list[dict[str, Any]]], bool]) -> None:
    """Return when what the plane tells of its environments is enough."""
    async with httpx2.AsyncClient(trust_env=False) as client, asyncio.timeout(30):
        while not is_enough((await client.get(f"{plane.url}/_clipper/functions")).json()):  # noqa: ASYNC110
            await asyncio.sleep(0.1)  # what is waited for happens in other processes


def payload(answer: Any) -> Any:
    return json.loads(answer["Payload"].read())


async def test_a_zip_function_runs_with_its_variables_and_lambdas(plane: Plane) -> None:
    name = await plane.zip_function(ECHO, Environment={"Variables": {"COLOUR": "red"}}, MemorySize=512)
    answer = await plane.call("invoke", FunctionName=name, Payload=b'{"n": 1}')
    told = payload(answer)
    assert told["event"] == {"n": 1}
    assert told["env"]["COLOUR"] == "red"
    assert told["env"]["AWS_LAMBDA_FUNCTION_NAME"] == name
    assert told["env"]["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "512"
    assert told["env"]["AWS_ENDPOINT_URL"] == plane.behind
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer


async def test_a_function_that_raises_keeps_the_type_of_its_error(plane: Plane) -> None:
    name = await plane.zip_function("def handler(event, context):\n    raise KeyError('price')\n")
    answer = await plane.call("invoke", FunctionName=name, LogType="Tail")
    error = payload(answer)
    assert answer["FunctionError"] == "Unhandled"
    assert (answer["StatusCode"], error["errorType"], error["errorMessage"]) == (200, "KeyError", "'price'")
    log = base64.b64decode(answer["LogResult"]).decode()
    assert "KeyError" in log
    assert log.startswith("START RequestId:")


async def test_an_import_that_fails_is_an_error_of_the_start(plane: Plane) -> None:
    name = await plane.zip_function("import no_such_module\n")
    answer = await plane.call("invoke", FunctionName=name)
    assert (answer["FunctionError"], payload(answer)["errorType"]) == ("Unhandled", "Runtime.ImportModuleError")


async def test_a_function_that_takes_too_long_is_ended_at_its_timeout(plane: Plane) -> None:
    name = await plane.zip_function(SLEEP, Timeout=1)
    late = payload(await plane.call("invoke", FunctionName=name, Payload=b"30"))
    assert late["errorType"] == "Sandbox.Timedout"
    assert late["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert payload(await plane.call("invoke", FunctionName=name, Payload=b"0")) > 0


async def test_a_function_that_exits_is_told_and_started_again(plane: Plane) -> None:
    source = "import os\ndef handler(event, context):\n    return os._exit(3) if event else 'alive'\n"
    name = await plane.zip_function(source)
    died = payload(await plane.call("invoke", FunctionName=name, Payload=b"1"))
    assert died["errorType"] == "Runtime.ExitError"
    assert "exit code 3" in died["errorMessage"]
    assert payload(await plane.call("invoke", FunctionName=name, Payload=b"0")) == "alive"


async def test_an_environment_answers_one_call_at_a_time_and_calls_at_once_get_one_each(plane: Plane) -> None:
    name = await plane.zip_function(SLEEP)
    one_by_one = [payload(await plane.call("invoke", FunctionName=name, Payload=b"0")) for _ in range(3)]
    assert len(set(one_by_one)) == 1
    at_once = await asyncio.gather(*(plane.call("invoke", FunctionName=name, Payload=b"2") for _ in range(3)))
    assert len({payload(answer) for answer in at_once}) == 3


async def test_more_calls_than_reserved_are_throttled(plane: Plane) -> None:
    name = await plane.zip_function(SLEEP)
    await plane.call("put_function_concurrency", FunctionName=name, ReservedConcurrentExecutions=1)
    await plane.call("invoke", FunctionName=name, Payload=b"0")
    calls = (plane.call("invoke", FunctionName=name, Payload=b"2") for _ in range(2))
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    (refused,) = [outcome for outcome in outcomes if isinstance(outcome, ClientError)]
    assert refused.response["Error"]["Code"] == "TooManyRequestsException"
    assert refused.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


async def test_environments_end_when_nobody_calls(plane: Plane) -> None:
    name = await plane.zip_function(ECHO)
    await plane.call("invoke", FunctionName=name)
    await wait_for_pools(plane, lambda pools: not pools)


async def test_an_alias_draws_among_its_versions_by_weight(plane: Plane) -> None:
    name = await plane.zip_function(VERSION, publish=True)
    await plane.call("update_function_configuration", FunctionName=name, Description="another")
    await plane.call("publish_version", FunctionName=name)
    routing = {"AdditionalVersionWeights": {"2": 0.5}}
    await plane.call("create_alias", FunctionName=name, Name="current", FunctionVersion="1", RoutingConfig=routing)
    answers = [await plane.call("invoke", FunctionName=name, Qualifier="current") for _ in range(60)]
    drawn = Counter(answer["ExecutedVersion"] for answer in answers)
    assert Counter(payload(answer) for answer in answers) == drawn
    assert set(drawn) == {"1", "2"}
    assert min(drawn.values()) >= 10  # of 60 at one half, fewer come once in ten million times


async def test_a_moved_alias_counts_for_the_next_call(plane: Plane) -> None:
    name = await plane.zip_function("def handler(e, c):\n    return c.invoked_function_arn\n", publish=True)
    await plane.call("update_function_configuration", FunctionName=name, Description="another")
    await plane.call("publish_version", FunctionName=name)
    await plane.call("create_alias", FunctionName=name, Name="current", FunctionVersion="1")
    seen = []
    for number in ("1", "2", "1"):
        await plane.call("update_alias", FunctionName=name, Name="current", FunctionVersion=number)
        answer = await plane.call("invoke", FunctionName=name, Qualifier="current")
        seen.append(answer["ExecutedVersion"])
        assert payload(answer).endswith(f":{name}:current")
    assert seen == ["1", "2", "1"]


async def test_a_models_image_answers_packed_batches(plane: Plane) -> None:
    name = await plane.model_function(lambda inputs: [2 * value for value in inputs])
    event = pack_event(InputType.JSON, [b"1", b"20"])
    answer = await plane.call("invoke", FunctionName=name, Qualifier="1", Payload=event)
    assert payload(answer) == {"outputs": [2, 40], "errors": []}
    assert answer["ExecutedVersion"] == "1"


async def test_an_image_without_its_bundle_says_so(plane: Plane) -> None:
    name = await plane.model_function(lambda inputs: inputs)
    for folder in plane.image_folder.iterdir():
        folder.rename(folder.with_name("elsewhere"))
    answer = await plane.call("invoke", FunctionName=name, Payload=pack_event(InputType.JSON, [b"1"]))
    assert answer["FunctionError"] == "Unhandled"
    assert "deploy it again" in payload(answer)["errorMessage"]


async def test_provisioned_environments_are_there_before_the_first_call(plane: Plane) -> None:
    name = await plane.model_function(lambda inputs: inputs)
    await plane.call("create_alias", FunctionName=name, Name="current", FunctionVersion="1")
    await plane.call(
        "put_provisioned_concurrency_config",
        FunctionName=name,
        Qualifier="current",
        ProvisionedConcurrentExecutions=2,
    )
    await wait_for_pools(plane, lambda pools: _ready(pools) == [True, True])


def _ready(pools: list[dict[str, Any]]) -> list[bool]:
    return [environment["ready"] for pool in pools for environment in pool["environments"]]


async def test_an_answer_over_six_mib_is_an_error(plane: Plane) -> None:
    name = await plane.zip_function("def handler(e, c):\n    return 'x' * 7_000_000\n")
    assert payload(await plane.call("invoke", FunctionName=name))["errorType"] == "Function.ResponseSizeTooLarge"


async def test_an_event_over_six_mib_is_refused(plane: Plane) -> None:
    name = await plane.zip_function(ECHO)
    with pytest.raises(ClientError, match="RequestTooLarge"):
        await plane.call("invoke", FunctionName=name, Payload=b'"' + b"x" * 6_300_000 + b'"')


async def test_what_is_no_invocation_is_answered_by_the_server_behind(plane: Plane) -> None:
    table = aws("dynamodb", plane.url)
    names = await asyncio.to_thread(table.list_tables)
    assert "TableNames" in names
    bucket = aws("s3", plane.url)
    await asyncio.to_thread(bucket.create_bucket, Bucket="through-the-edge")
    await asyncio.to_thread(bucket.put_object, Bucket="through-the-edge", Key="a/b c", Body=b"\x00" * 100_000)
    read = await asyncio.to_thread(lambda: bucket.get_object(Bucket="through-the-edge", Key="a/b c")["Body"].read())
    assert read == b"\x00" * 100_000
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        await plane.call("invoke", FunctionName="no-such-function")


async def test_what_the_gateway_invokes_is_answered_too(plane: Plane) -> None:
    proxied = {"MINISTACK_LAMBDA_PROXY_URL": f"{plane.url}/_clipper/invocations"}
    source = "def handler(e, c):\n    return {'statusCode': 200, 'body': e['rawPath']}\n"
    name = await plane.zip_function(source, Environment={"Variables": proxied})
    gateway = aws("apigatewayv2", plane.url)
    arn = (await plane.call("get_function", FunctionName=name))["Configuration"]["FunctionArn"]

    def api() -> str:
        made: str = gateway.create_api(Name=name, ProtocolType="HTTP")["ApiId"]
        integration = gateway.create_integration(
            ApiId=made, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0"
        )["IntegrationId"]
        gateway.create_route(ApiId=made, RouteKey="ANY /{proxy+}", Target=f"integrations/{integration}")
        gateway.create_stage(ApiId=made, StageName="$default", AutoDeploy=True)
        return made

    made = await asyncio.to_thread(api)
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
        answer = await client.get(f"{plane.url}/_aws/execute-api/{made}/$default/digits/predict")
    assert (answer.status_code, answer.text) == (200, "/digits/predict")


async def test_messages_within_a_queues_window_are_one_call(plane: Plane) -> None:
    proxied = {"MINISTACK_LAMBDA_PROXY_URL": f"{plane.url}/_clipper/invocations"}
    source = "def handler(event, context):\n    return {'batchItemFailures': []}\n"
    name = await plane.zip_function(source, Environment={"Variables": proxied})
    queues = aws("sqs", plane.url)

    def filled() -> tuple[str, str]:
        url: str = queues.create_queue(QueueName=name)["QueueUrl"]
        for start in range(0, 30, 10):
            entries = [{"Id": str(index), "MessageBody": "x"} for index in range(start, start + 10)]
            queues.send_message_batch(QueueUrl=url, Entries=entries)
        told = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
        return url, told["QueueArn"]

    url, arn = await asyncio.to_thread(filled)
    await plane.call(
        "create_event_source_mapping",
        FunctionName=name,
        EventSourceArn=arn,
        BatchSize=100,
        MaximumBatchingWindowInSeconds=3,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    await wait_for_pools(plane, lambda pools: _calls(pools) > 0)
    async with asyncio.timeout(30):
        while await asyncio.to_thread(_left, queues, url):  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.1)
    await wait_for_pools(plane, lambda pools: _calls(pools) == 1)


def _calls(pools: list[dict[str, Any]]) -> int:
    return sum(environment["calls"] for pool in pools for environment in pool["environments"])


def _left(queues: Any, url: str) -> int:
    """Messages that wait or are being worked on."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = queues.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(told[name]) for name in names)
