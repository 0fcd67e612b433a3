"""Functions run by LocalStack through the plugin: what it has of Lambda that MiniStack has not is looked at here."""

import os
import signal
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from clipper_sls.domain.envelope import pack_event
from clipper_sls.domain.inputs import InputType
from clipper_sls.testing.localstack import localstack
from tests.functional.localstack.conftest import Stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ECHO = "def handler(event, context):\n    return [event, context.function_version]\n"
BATCHES = """
import boto3, json, os
def handler(event, context):
    client = boto3.client("dynamodb")
    sizes = {"id": {"S": context.aws_request_id}, "n": {"N": str(len(event["Records"]))}}
    client.put_item(TableName="batches", Item=sizes)
"""


def test_a_zip_function_runs(stack: Stack) -> None:
    assert stack.invoke(stack.zip_function(ECHO), b'{"n": 1}')[0] == [{"n": 1}, "$LATEST"]


def test_an_error_keeps_its_type(stack: Stack) -> None:
    name = stack.zip_function("def handler(event, context):\n    raise KeyError('price')\n")
    told, answer = stack.invoke(name)
    assert (answer["FunctionError"], told["errorType"], told["errorMessage"]) == ("Unhandled", "KeyError", "'price'")


def test_a_function_that_takes_too_long_is_ended(stack: Stack) -> None:
    name = stack.zip_function("import time\ndef handler(event, context):\n    time.sleep(event)\n", Timeout=1)
    assert stack.invoke(name, b"30")[0]["errorType"] == "Sandbox.Timedout"


def test_a_function_that_exits_is_told(stack: Stack) -> None:
    name = stack.zip_function("import os\ndef handler(event, context):\n    os._exit(3)\n")
    told, _ = stack.invoke(name)
    assert told["errorType"] == "Runtime.ExitError"
    assert "exit status 3" in told["errorMessage"]


def test_an_import_that_fails_is_told(stack: Stack) -> None:
    told, answer = stack.invoke(stack.zip_function("import no_such_module\n"))
    assert (answer["FunctionError"], told["errorType"]) == ("Unhandled", "Runtime.ImportModuleError")


def test_a_models_image_answers_packed_batches(stack: Stack) -> None:
    name = stack.model_function(lambda inputs: [2 * value for value in inputs])
    event = pack_event(InputType.JSON, [b"1", b"20"])
    told, answer = stack.invoke(name, event, Qualifier="1")
    assert told == {"outputs": [2, 40], "errors": []}
    assert answer["ExecutedVersion"] == "1"


def test_weights_of_an_alias_are_obeyed(stack: Stack) -> None:
    name = stack.zip_function("def handler(event, context):\n    return context.function_version\n")
    number = stack.publish_another(name)
    stack.functions.create_alias(
        FunctionName=name,
        Name="current",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {number: 0.5}},
    )
    answers = [stack.invoke(name, Qualifier="current") for _ in range(60)]
    drawn = Counter(told for told, _ in answers)
    assert drawn == Counter(answer["ExecutedVersion"] for _, answer in answers)
    assert min(drawn["1"], drawn[number]) >= 10  # of 60 at one half, fewer come once in ten million times


def test_a_window_of_the_queue_makes_one_batch(stack: Stack) -> None:
    tables, queues = stack.client("dynamodb"), stack.client("sqs")
    key = {"AttributeName": "id"}
    tables.create_table(
        TableName="batches",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{**key, "AttributeType": "S"}],
        KeySchema=[{**key, "KeyType": "HASH"}],
    )
    url = queues.create_queue(QueueName="work")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    name = stack.zip_function(BATCHES)
    for start in range(0, 30, 10):
        entries = [{"Id": str(index), "MessageBody": "x"} for index in range(start, start + 10)]
        queues.send_message_batch(QueueUrl=url, Entries=entries)
    stack.functions.create_event_source_mapping(
        FunctionName=name, EventSourceArn=arn, BatchSize=100, MaximumBatchingWindowInSeconds=3
    )
    assert _sizes_when_all_came(tables, expected=30) == [30]


def test_no_function_outlives_a_server_that_is_killed(localstack_python: Path, tmp_path: Path) -> None:
    with localstack(localstack_python, tmp_path) as server:
        own = Stack(server)
        own.invoke(own.zip_function(ECHO))
        functions = [
            one for one in psutil.Process(server.pid).children(recursive=True) if "awslambdaric" in one.cmdline()
        ]
        assert functions
        os.kill(server.pid, signal.SIGKILL)
        gone, alive = psutil.wait_procs(functions, timeout=10)
        assert (len(gone), alive) == (len(functions), [])


def _sizes_when_all_came(tables: Any, expected: int) -> list[int]:
    """What the function wrote, by size of its batches; asks until all came, at most 60 s."""
    sizes: list[int] = []
    for _ in range(600):
        items = tables.scan(TableName="batches", ConsistentRead=True)["Items"]
        sizes = sorted(int(item["n"]["N"]) for item in items)
        if sum(sizes) >= expected:
            break
        threading.Event().wait(0.1)  # what is waited for happens in other processes
    return sizes
