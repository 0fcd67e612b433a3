"""What SQS does in part is asked for again; what it refuses is said in our words."""

from collections.abc import Mapping
from typing import Any

import pytest

from clipper_sls.adapters.aws.failures import AwsCallError, AwsNoAnswerError
from clipper_sls.adapters.aws.sqs.dead_letters import SqsDeadLetters
from clipper_sls.adapters.aws.sqs.job_queue import MAX_MESSAGE_BYTES, SqsJobQueue, group_of
from clipper_sls.adapters.aws.sqs.queue import SqsQueue
from clipper_sls.domain.jobs.messages import NewMessage, Received
from clipper_sls.domain.query import Deadline
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.testing.clock import SkippingClock

MESSAGE = Received("m1", "r1", '{"application":"shop"}', 4)


class ScriptedSqs:
    """Answers in turn what it was given for an operation, errors included; without that with nothing."""

    def __init__(self, **answers: list[Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    async def call(self, service: str, operation: str, payload: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        self.asked.append((operation, payload))
        if operation == "GetQueueUrl":
            return {"QueueUrl": f"https://sqs/{payload['QueueName']}"}
        answer = self.answers[operation].pop(0) if self.answers.get(operation) else {}
        if isinstance(answer, Exception):
            raise answer
        return answer

    def of(self, operation: str) -> list[Mapping[str, Any]]:
        return [payload for asked, payload in self.asked if asked == operation]


def queues(client: ScriptedSqs) -> tuple[SqsJobQueue, SqsDeadLetters]:
    queue, dead = (SqsQueue(client, name, clock=SkippingClock(), limit_s=5) for name in ("jobs", "jobs-dead"))
    return SqsJobQueue(queue, dead), SqsDeadLetters(dead, queue, max_receives=3)


def refusal(code: str, message: str = "", status: int = 400) -> AwsCallError:
    return AwsCallError("sqs", "Operation", code, message, status)


def failed(number: int, code: str, *, by_sender: bool = False) -> dict[str, Any]:
    return {"Id": str(number), "Code": code, "SenderFault": by_sender}


async def test_messages_are_sent_ten_and_a_mebibyte_at_a_time_in_the_group_of_their_application() -> None:
    client = ScriptedSqs()
    large = "x" * MAX_MESSAGE_BYTES
    await queues(client)[0].enqueue([NewMessage("shop", "a")] * 12 + [NewMessage("bank", large)] * 2)
    sent = [payload["Entries"] for payload in client.of("SendMessageBatch")]
    assert [len(entries) for entries in sent] == [10, 2, 1, 1] or [len(entries) for entries in sent] == [10, 3, 1]
    assert {entry["MessageGroupId"] for entry in sent[0]} == {"shop"}
    assert all(sum(len(entry["MessageBody"]) for entry in entries) <= 1024 * 1024 for entries in sent)
    assert len(client.of("GetQueueUrl")) == 1


async def test_only_messages_that_were_not_taken_are_sent_again() -> None:
    client = ScriptedSqs(SendMessageBatch=[{"Failed": [failed(1, "InternalError")]}])
    await queues(client)[0].enqueue([NewMessage("shop", body) for body in "abc"])
    sent = [[entry["MessageBody"] for entry in payload["Entries"]] for payload in client.of("SendMessageBatch")]
    assert sent == [["a", "b", "c"], ["b"]]


@pytest.mark.parametrize("answer", [{"Failed": [failed(0, "InvalidMessageContents", by_sender=True)]}])
async def test_a_message_that_sqs_never_takes_is_an_error_at_once(answer: dict[str, Any]) -> None:
    client = ScriptedSqs(SendMessageBatch=[answer])
    with pytest.raises(StoreUnavailableError, match="refuses a message"):
        await queues(client)[0].enqueue([NewMessage("shop", "a")])


async def test_messages_that_are_never_taken_are_an_error_in_the_end() -> None:
    client = ScriptedSqs(SendMessageBatch=[{"Failed": [failed(0, "InternalError")]}] * 10)
    with pytest.raises(StoreUnavailableError, match="for a part of its messages"):
        await queues(client)[0].enqueue([NewMessage("shop", "a")])


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("DeleteMessageBatch", "ReceiptHandleIsInvalid"),
        ("ChangeMessageVisibilityBatch", "AWS.SimpleQueueService.MessageNotInflight"),
        ("ChangeMessageVisibilityBatch", "InvalidParameterValue"),
    ],
)
async def test_a_message_that_is_gone_is_no_error(operation: str, code: str) -> None:
    client = ScriptedSqs(**{operation: [{"Failed": [failed(0, code, by_sender=True)]}]})
    queue, _ = queues(client)
    await (queue.acknowledge([MESSAGE]) if operation == "DeleteMessageBatch" else queue.release([MESSAGE]))
    assert len(client.of(operation)) == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (refusal("AWS.SimpleQueueService.NonExistentQueue"), "no queue jobs in SQS; is the stack deployed"),
        (refusal("AccessDenied", "no"), "SQS refuses Operation on the queue jobs"),
        (refusal("KmsThrottled", "later"), "failed with KmsThrottled: later"),
        (AwsNoAnswerError("sqs", "ReceiveMessage", "gone", was_done=None), "cannot be reached"),
    ],
)
async def test_what_goes_wrong_is_said_in_our_words(error: Exception, said: str) -> None:
    with pytest.raises(StoreUnavailableError, match=said):
        await queues(ScriptedSqs(ReceiveMessage=[error]))[0].receive(10, visibility_s=30.0)


async def test_seconds_are_whole_and_within_what_sqs_takes() -> None:
    client = ScriptedSqs()
    queue, _ = queues(client)
    await queue.receive(20, visibility_s=30.2, wait_s=100.0)
    (asked,) = client.of("ReceiveMessage")
    assert (asked["MaxNumberOfMessages"], asked["VisibilityTimeout"], asked["WaitTimeSeconds"]) == (10, 31, 20)
    await queue.release([MESSAGE], after_s=1e6)
    assert client.of("ChangeMessageVisibilityBatch")[0]["Entries"][0]["VisibilityTimeout"] == 12 * 3600


async def test_a_message_is_buried_before_it_is_deleted_with_its_reason_and_its_group() -> None:
    client = ScriptedSqs()
    await queues(client)[0].bury(MESSAGE, "not\nread")
    operations = [operation for operation, _ in client.asked if operation != "GetQueueUrl"]
    assert operations == ["SendMessage", "DeleteMessageBatch"]
    (letter,) = client.of("SendMessage")
    assert letter["QueueUrl"].endswith("/jobs-dead")
    assert letter["MessageAttributes"]["reason"]["StringValue"] == "not read"
    assert letter["MessageGroupId"] == "shop"


@pytest.mark.parametrize(
    "body", ["no json", "[1]", '{"application": 5}', '{"application": ""}', '{"application": "ä"}']
)
def test_of_what_is_no_job_no_group_is_known(body: str) -> None:
    assert group_of(body) == {}


async def test_a_letter_that_was_buried_twice_is_seen_once_and_given_back() -> None:
    letters = [
        {
            "MessageId": f"d{number}",
            "ReceiptHandle": f"r{number}",
            "Body": "b",
            "Attributes": {"SentTimestamp": "5000"},
            "MessageAttributes": {"original": {"StringValue": "m1"}, "reason": {"StringValue": "why"}},
        }
        for number in range(2)
    ]
    client = ScriptedSqs(ReceiveMessage=[{"Messages": letters}])
    (letter,) = await queues(client)[1].dead(10)
    assert (letter.message_id, letter.reason, letter.died_at) == ("m1", "why", 5.0)
    (shown,) = client.of("ChangeMessageVisibilityBatch")
    assert [entry["VisibilityTimeout"] for entry in shown["Entries"]] == [0, 0]


async def test_aws_redrives_by_itself() -> None:
    client = ScriptedSqs(
        GetQueueAttributes=[
            {"Attributes": {"ApproximateNumberOfMessages": "7"}},
            {"Attributes": {"QueueArn": "arn:aws:sqs:us-east-1:1:jobs-dead"}},
        ]
    )
    assert await queues(client)[1].redrive() == 7
    assert client.of("StartMessageMoveTask") == [
        {
            "SourceArn": "arn:aws:sqs:us-east-1:1:jobs-dead",
            "DestinationArn": "arn:aws:sqs:us-east-1:1:jobs",
        }
    ]
    assert client.of("ReceiveMessage") == []


async def test_a_redrive_that_is_under_way_is_left_alone() -> None:
    client = ScriptedSqs(StartMessageMoveTask=[refusal("UnsupportedOperation", "There is already a task running")])
    await queues(client)[1].redrive()
    assert client.of("ReceiveMessage") == []


@pytest.mark.parametrize("error", [refusal("AccessDenied", "no"), refusal("HTTP 500", "", 500)])
async def test_where_aws_may_or_can_not_they_are_moved_here_sent_before_they_are_deleted(error: AwsCallError) -> None:
    letters = [{"MessageId": f"d{n}", "ReceiptHandle": f"r{n}", "Body": '{"application":"shop"}'} for n in range(12)]
    client = ScriptedSqs(
        StartMessageMoveTask=[error], ReceiveMessage=[{"Messages": letters[:10]}, {"Messages": letters[10:]}]
    )
    assert await queues(client)[1].redrive() == 12
    moves = [name for name, _ in client.asked if name in ("SendMessageBatch", "DeleteMessageBatch")]
    assert moves == ["SendMessageBatch", "DeleteMessageBatch"] * 2
    assert {entry["MessageGroupId"] for payload in client.of("SendMessageBatch") for entry in payload["Entries"]} == {
        "shop"
    }
