"""From the query function through the queue to the consumer and back; and keeping all of it warm."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clipper_sls.testing.stack_function import StackFunctionUnderTest, stack_function
from clipper_sls.testing.stack_resources import StackUnderTest

EVENT = Path(__file__).parents[3] / "events" / "sqsEvent.json"


@pytest.fixture(scope="module")
def consumer(stack: StackUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackFunctionUnderTest]:
    with stack_function("jobs", stack.environment, log=tmp_path_factory.mktemp("jobs") / "log") as function:
        yield function


def delivered(stack: StackUnderTest) -> Any:
    """An event as SQS sends it, of what waits in the queue."""
    sqs = stack.client("sqs")
    url = sqs.get_queue_url(QueueName=stack.names.jobs_queue)["QueueUrl"]
    event = json.loads(EVENT.read_text())
    pattern = event["Records"][0]
    received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)["Messages"]
    event["Records"] = [
        {**pattern, "messageId": one["MessageId"], "receiptHandle": one["ReceiptHandle"], "body": one["Body"]}
        for one in received
    ]
    return event


def test_a_job_is_taken_in_done_and_told(ask, stack: StackUnderTest, consumer: StackFunctionUnderTest) -> None:
    taken = ask("POST", "/digits/predict", {"input_batch": [[1.0], [2.0, 3.0]]}, {"prefer": "respond-async"})
    assert taken.status == 202
    url = taken.headers["location"]
    assert ask("GET", url).json()["status"] == "queued"
    assert consumer.ask(delivered(stack)) == {"batchItemFailures": []}
    told = ask("GET", url).json()
    assert told["status"] == "done"
    assert [one["output"] for one in told["batch_predictions"]] == [1.0, 5.0]


def test_a_message_that_is_none_of_ours_does_not_stop_the_others(
    ask, stack: StackUnderTest, consumer: StackFunctionUnderTest
) -> None:
    taken = ask("POST", "/digits/predict", {"input": [4.0]}, {"prefer": "respond-async"})
    event = delivered(stack)
    event["Records"].append({**event["Records"][0], "messageId": "poison", "body": "{"})
    consumer.ask(event)
    assert ask("GET", taken.headers["location"]).json()["status"] == "done"


def test_an_unknown_job_is_404(ask) -> None:
    assert ask("GET", "/jobs/nobody").status == 404


def test_warm_up_asks_every_function_and_no_model(stack: StackUnderTest, tmp_path: Path) -> None:
    environment = stack.environment | {"CLIPPER_SLS_WARM_UP_CONCURRENCY": "2"}
    with stack_function("warmup", environment, log=tmp_path / "log") as function:
        told = function.ask({"source": "aws.events"})
        lines = function.log_lines()
    assert told == {"calls": 4, "failed": 2}, "there is no query function in this stack"
    assert [stack.names.query_function in line["message"] for line in lines] == [True, True]
