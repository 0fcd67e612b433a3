"""The client against servers that others wrote, and against what fails on the way to them."""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from clipper_sls.adapters.aws.client import MAX_ATTEMPTS, AwsClient, wait_s
from clipper_sls.adapters.aws.endpoints import Endpoints
from clipper_sls.adapters.aws.failures import AwsCallError, AwsNoAnswerError, AwsNoCredentialsError, AwsTimeoutError
from clipper_sls.adapters.aws.signing import Credentials
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.domain.query import Deadline
from clipper_sls.testing.faulty_proxy import Answer, CutAnswer, DropRequest, Fault, FaultyProxy, faulty_proxy
from clipper_sls.testing.ministack import REGION, MiniStackUnderTest
from clipper_sls.testing.moto_server import MotoServerUnderTest
from clipper_sls.testing.ports import free_port

FOREVER = Deadline(float("inf"))
CLOCK = SystemClock()
Open = Callable[[str], AwsClient]


def _in(seconds: float) -> Deadline:
    return Deadline(CLOCK.now() + seconds)


@pytest.fixture
async def open_client() -> AsyncIterator[Open]:
    """Clients of a URL, closed at the end."""
    opened: list[AwsClient] = []

    def open_one(url: str) -> AwsClient:
        endpoints = Endpoints(REGION, {"AWS_ENDPOINT_URL": url})
        credentials = Credentials("test", "test")
        client = AwsClient(
            credentials=lambda: credentials, endpoints=endpoints, clock=CLOCK, chance=random.Random(0).random
        )
        opened.append(client)
        return client

    yield open_one
    for client in opened:
        await client.close()


@pytest.fixture(params=["ministack", "moto"])
def aws_url(request: pytest.FixtureRequest) -> str:
    server: MiniStackUnderTest | MotoServerUnderTest = request.getfixturevalue(f"shared_{request.param}")
    return server.url


@dataclass
class Behind:
    client: AwsClient
    proxy: FaultyProxy
    queue_url: str

    async def send(self, **options: Any) -> dict[str, Any]:
        message = {"QueueUrl": self.queue_url, "MessageBody": "hello"}
        return await self.client.call("sqs", "SendMessage", message, options.pop("deadline", _in(20)), **options)

    async def count(self) -> int:
        names = {"QueueUrl": self.queue_url, "AttributeNames": ["ApproximateNumberOfMessages"]}
        answer = await self.client.call("sqs", "GetQueueAttributes", names, _in(20))
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])


@pytest.fixture
def proxy(shared_ministack: MiniStackUnderTest) -> Iterator[FaultyProxy]:
    with faulty_proxy(urlsplit(shared_ministack.url).netloc) as running:
        yield running


@pytest.fixture
async def behind(open_client: Open, proxy: FaultyProxy) -> Behind:
    """A queue of the test's own, and a proxy on the way to it."""
    client = open_client(f"http://{proxy.host}")
    made = await client.call("sqs", "CreateQueue", {"QueueName": f"q{secrets.token_hex(8)}"}, _in(20))
    proxy.seen.clear()
    return Behind(client, proxy, made["QueueUrl"])


async def test_a_table_is_made_written_and_read(open_client: Open, aws_url: str) -> None:
    client, name = open_client(aws_url), f"t{secrets.token_hex(8)}"
    table = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    }
    await client.call("dynamodb", "CreateTable", table, FOREVER)
    item = {"k": {"S": "ü"}, "n": {"N": "1"}, "b": {"B": "AAE="}}
    await client.call("dynamodb", "PutItem", {"TableName": name, "Item": item}, _in(20))
    found = await client.call("dynamodb", "GetItem", {"TableName": name, "Key": {"k": {"S": "ü"}}}, _in(20))
    assert found["Item"] == item
    taken = {"TableName": name, "Item": item, "ConditionExpression": "attribute_not_exists(k)"}
    with pytest.raises(AwsCallError) as refused:
        await client.call("dynamodb", "PutItem", taken, _in(20))
    assert (refused.value.code, refused.value.status) == ("ConditionalCheckFailedException", 400)


async def test_a_message_is_sent_and_received(open_client: Open, aws_url: str) -> None:
    client = open_client(aws_url)
    made = await client.call("sqs", "CreateQueue", {"QueueName": f"q{secrets.token_hex(8)}"}, _in(20))
    await client.call("sqs", "SendMessage", {**made, "MessageBody": "ü & <x>"}, _in(20))
    received = await client.call("sqs", "ReceiveMessage", {**made, "WaitTimeSeconds": 1}, _in(20))
    assert [message["Body"] for message in received["Messages"]] == ["ü & <x>"]


async def test_what_is_not_there_is_an_error_of_that_code(open_client: Open, aws_url: str) -> None:
    key = {"TableName": "absent", "Key": {"k": {"S": "x"}}}
    with pytest.raises(AwsCallError, match=r"dynamodb GetItem: ResourceNotFoundException: .") as absent:
        await open_client(aws_url).call("dynamodb", "GetItem", key, _in(20))
    assert (absent.value.service, absent.value.operation) == ("dynamodb", "GetItem")


async def _bucket(client: AwsClient) -> str:
    bucket = f"b{secrets.token_hex(8)}"
    await client.request("s3", "PUT", "", bucket=bucket, deadline=_in(20), may_repeat=True)
    return bucket


async def test_an_object_is_put_and_got(open_client: Open, aws_url: str) -> None:
    client = open_client(aws_url)
    bucket, content = await _bucket(client), secrets.token_bytes(100_000)
    where = {"bucket": bucket, "deadline": _in(20), "may_repeat": True}
    await client.request("s3", "PUT", "/a%20b/c", body=content, headers={"Content-Type": "x/y"}, **where)
    got = await client.request("s3", "GET", "/a%20b/c", **where)
    assert (got.body == content, got.headers["content-type"]) == (True, "x/y")
    with pytest.raises(AwsCallError) as absent:
        await client.request("s3", "GET", "/absent", **where)
    assert (absent.value.code, absent.value.status) == ("NoSuchKey", 404)


async def test_with_a_presigned_url_anybody_may_do_one_thing(open_client: Open, aws_url: str) -> None:
    client = open_client(aws_url)
    bucket = await _bucket(client)

    def ask(method: str, body: bytes | None = None) -> bytes:
        url = client.presigned_url(method, bucket, "/a%20result/1", expires_s=60)
        headers = {"Content-Type": "application/octet-stream"}  # urllib's own means a form
        with urlopen(Request(url, body, headers, method=method), timeout=20) as answer:
            content: bytes = answer.read()
            return content

    await asyncio.to_thread(ask, "PUT", b"12")
    assert await asyncio.to_thread(ask, "GET") == b"12"


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_what_fails_for_a_moment_is_asked_again(behind: Behind, status: int) -> None:
    behind.proxy.fail(Fault("POST", "/", Answer(status), times=2))
    await behind.send()
    assert (behind.proxy.count("POST", "/"), await behind.count()) == (3, 1)


async def test_a_broken_connection_is_asked_again(behind: Behind) -> None:
    behind.proxy.fail(Fault("POST", "/", DropRequest(), times=2))
    behind.proxy.fail(Fault("POST", "/", DropRequest(after_bytes=10)))
    await behind.send()
    assert await behind.count() == 1


async def test_what_may_not_be_done_twice_is_not_asked_again(behind: Behind) -> None:
    behind.proxy.fail(Fault("POST", "/", CutAnswer(after_bytes=3)))
    with pytest.raises(AwsNoAnswerError, match="broke off") as lost:
        await behind.send(may_repeat=False)
    assert lost.value.was_done is None
    behind.proxy.fail(Fault("POST", "/", Answer(500)))
    with pytest.raises(AwsCallError) as unknown:
        await behind.send(may_repeat=False)
    assert unknown.value.was_done is None
    assert await behind.count() == 1


async def test_what_was_throttled_may_be_asked_again_even_then(behind: Behind) -> None:
    behind.proxy.fail(Fault("POST", "/", Answer(429)))
    await behind.send(may_repeat=False)
    assert await behind.count() == 1


async def test_a_mistake_is_asked_once(behind: Behind) -> None:
    behind.proxy.fail(Fault("POST", "/", Answer(400)))
    with pytest.raises(AwsCallError):
        await behind.send()
    assert behind.proxy.count("POST", "/") == 1


async def test_it_gives_up_in_the_end(behind: Behind) -> None:
    behind.proxy.fail(Fault("POST", "/", Answer(503), times=100))
    with pytest.raises(AwsCallError) as failed:
        await behind.send(deadline=FOREVER)
    assert (failed.value.status, behind.proxy.count("POST", "/")) == (503, MAX_ATTEMPTS)


async def test_a_wait_beyond_the_deadline_is_not_begun(behind: Behind) -> None:
    behind.proxy.fail(Fault("POST", "/", Answer(503), times=100))
    began = CLOCK.now()
    with pytest.raises(AwsCallError):
        await behind.send(deadline=_in(0.3))
    assert CLOCK.now() - began < 0.35


async def test_no_answer_by_the_deadline_is_a_time_out(open_client: Open) -> None:
    gone = asyncio.Event()

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            pass
        gone.set()
        writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(AwsTimeoutError, match="by the deadline"):
        await open_client(f"http://127.0.0.1:{port}").call("sqs", "ListQueues", {}, _in(0.2))
    async with asyncio.timeout(5):
        await gone.wait()  # the connection was closed
    server.close()
    await server.wait_closed()


async def test_a_deadline_that_passes_while_it_asks_again_does_not_hide_why(open_client: Open) -> None:
    asked = 0

    async def busy_then_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(b"{}")
        if asked == 1:
            writer.write(b"HTTP/1.1 503 Slow Down\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        else:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(busy_then_silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(AwsCallError) as failed:
        await open_client(f"http://127.0.0.1:{port}").call("sqs", "ListQueues", {}, _in(0.5))
    assert (failed.value.status, failed.value.was_done, asked) == (503, None, 2)
    server.close()
    await server.wait_closed()


async def test_nobody_there_is_told_by_url(open_client: Open) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(AwsNoAnswerError, match=f"{url} cannot be reached") as unreachable:
        await open_client(url).call("sqs", "ListQueues", {}, FOREVER)
    assert unreachable.value.was_done is False


async def test_without_credentials_nothing_is_asked(proxy: FaultyProxy) -> None:
    def nobody() -> Credentials:
        raise AwsNoCredentialsError("credentials", "look-up", "there are none", was_done=False)

    endpoints = Endpoints(REGION, {"AWS_ENDPOINT_URL": f"http://{proxy.host}"})
    client = AwsClient(credentials=nobody, endpoints=endpoints, clock=CLOCK, chance=random.Random(0).random)
    with pytest.raises(AwsNoCredentialsError, match="there are none"):
        await client.call("sqs", "ListQueues", {}, FOREVER)
    await client.close()
    assert proxy.seen == []


def test_waits_grow_to_a_bound_and_are_any_part_of_it() -> None:
    assert [wait_s(attempt, 1.0) for attempt in range(1, 9)] == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    assert wait_s(5, 0.25) == pytest.approx(0.2)
