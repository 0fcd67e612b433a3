"""6 and 10 MB through Lambda's 6: MiniStack's S3, which checks signatures, and functions that run the real runtime."""

import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from clipper_sls.adapters.aws.client import AwsClient
from clipper_sls.adapters.aws.lambda_invoker import LambdaInvoker
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.domain.envelope import MAX_PAYLOAD_BYTES
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.query import Deadline, DefaultReason, OutputJson, Predicted, Unanswered
from clipper_sls.domain.records import ModelVersion
from clipper_sls.domain.serving import Serving
from clipper_sls.packaging.bundling import bundle_closure
from clipper_sls.testing.fakes import RecordingMetrics
from clipper_sls.testing.faulty_proxy import Answer, CutAnswer, DropRequest, Fault, FaultyProxy, faulty_proxy
from clipper_sls.testing.function_server import FunctionServer, function_server
from clipper_sls.testing.lambda_functions import aws_client, create_proxied_function, lambda_invoker, published
from clipper_sls.testing.ministack import MiniStackUnderTest

MB = 1_000_000
CLOCK = SystemClock()


def _in(seconds: float) -> Deadline:
    return Deadline(CLOCK.now() + seconds)


def _echo(rows: list[bytes]) -> list[Any]:
    """A row is answered by its length; one that begins with R by a string of so many characters as follow in text."""
    return ["r" * int(row[1:]) if row[:1] == b"R" else len(row) for row in rows]


@pytest.fixture(scope="module")
def function(
    shared_ministack: MiniStackUnderTest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FunctionServer]:
    folder = tmp_path_factory.mktemp("function")
    bundle_closure(_echo, name="echo", version="1", input_type="bytes", destination=folder / "bundle")
    variables = {"AWS_ENDPOINT_URL": shared_ministack.url}
    with function_server(folder / "bundle", folder, variables) as running:
        yield running


@pytest.fixture(scope="module")
def version(shared_ministack: MiniStackUnderTest, function: FunctionServer) -> ModelVersion:
    name = f"echo-{secrets.token_hex(4)}"
    create_proxied_function(shared_ministack.url, name, function.url)
    return replace(published(ModelVersion(ModelId.of("echo", 1), InputType.BYTES), name), batch_size=1000)


@dataclass
class Desk:
    client: AwsClient
    invoker: LambdaInvoker
    bucket: str
    metrics: RecordingMetrics
    proxy: FaultyProxy


@pytest.fixture
async def desk(shared_ministack: MiniStackUnderTest, function: FunctionServer) -> AsyncIterator[Desk]:
    """Whoever asks goes through the proxy, which must not change the host that was signed."""
    function.event_sizes.clear()
    function.result_sizes.clear()
    metrics, bucket = RecordingMetrics(), f"payloads-{secrets.token_hex(4)}"
    with faulty_proxy(urlsplit(shared_ministack.url).netloc) as proxy:
        async with aws_client(f"http://{proxy.host}", s3_url=shared_ministack.url) as client:
            await client.request("s3", "PUT", "", bucket=bucket, deadline=_in(30), may_repeat=True)
            yield Desk(client, lambda_invoker(client, metrics, bucket), bucket, metrics, proxy)


@pytest.mark.parametrize("size", [4 * MB, 6 * MB, 10 * MB])
async def test_an_input_of_any_size_is_answered(
    desk: Desk, function: FunctionServer, version: ModelVersion, size: int
) -> None:
    (result,) = await desk.invoker.invoke(version, [b"x" * size], _in(60))
    assert result == Predicted(OutputJson(b"%d" % size))
    assert max(function.event_sizes) <= MAX_PAYLOAD_BYTES
    assert len(function.event_sizes) == 1


@pytest.mark.parametrize("size", [5 * MB, 6 * MB + MB // 2, 10 * MB])
async def test_a_result_of_any_size_is_answered(
    desk: Desk, function: FunctionServer, version: ModelVersion, size: int
) -> None:
    (result,) = await desk.invoker.invoke(version, [b"R%d" % size], _in(60))
    assert result == Predicted(OutputJson(b'"' + b"r" * size + b'"'))


async def test_a_version_with_large_results_is_asked_twice_only_the_first_time(
    desk: Desk, function: FunctionServer, version: ModelVersion
) -> None:
    for _ in range(2):
        (result,) = await desk.invoker.invoke(version, [b"R%d" % (7 * MB)], _in(60))
        assert isinstance(result, Predicted)
    assert [size > MAX_PAYLOAD_BYTES for size in function.result_sizes] == [True, False, False]


async def test_a_version_that_may_not_be_asked_twice_never_is(
    desk: Desk, function: FunctionServer, version: ModelVersion
) -> None:
    once = replace(version, serving=Serving(is_idempotent=False))
    (result,) = await desk.invoker.invoke(once, [b"R%d" % (7 * MB)], _in(60))
    assert isinstance(result, Predicted)
    assert len(function.event_sizes) == 1


async def test_large_and_small_rows_of_one_query_get_their_own_answers(
    desk: Desk, function: FunctionServer, version: ModelVersion
) -> None:
    rows = [b"abc", b"x" * (10 * MB), b"", b"R%d" % (7 * MB), b"x" * (3 * MB), b"x" * (3 * MB), b"R3"]
    results = await desk.invoker.invoke(version, rows, _in(90))
    expected = [b"3", b"%d" % (10 * MB), b"0", b'"' + b"r" * (7 * MB) + b'"', *[b"%d" % (3 * MB)] * 2, b'"rrr"']
    assert [result == Predicted(OutputJson(text)) for result, text in zip(results, expected, strict=True)] == [True] * 7
    assert max(function.event_sizes) <= MAX_PAYLOAD_BYTES


async def test_without_a_bucket_it_says_what_is_missing(desk: Desk, version: ModelVersion) -> None:
    (result,) = await lambda_invoker(desk.client, desk.metrics).invoke(version, [b"x" * (6 * MB)], _in(60))
    assert isinstance(result, Unanswered)
    assert "no bucket for larger ones was named" in result.detail


async def test_a_bucket_that_is_not_there_is_told(desk: Desk, version: ModelVersion) -> None:
    invoker = lambda_invoker(desk.client, desk.metrics, "absent")
    (result,) = await invoker.invoke(version, [b"x" * (6 * MB)], _in(60))
    assert isinstance(result, Unanswered)
    assert "NoSuchBucket" in result.detail


async def test_a_large_event_survives_what_fails_on_the_way_to_lambda(
    desk: Desk, function: FunctionServer, version: ModelVersion
) -> None:
    for deed in (DropRequest(after_bytes=1 * MB), DropRequest(), Answer(500), Answer(429), CutAnswer(after_bytes=5)):
        desk.proxy.fail(Fault("POST", "/invocations", deed))
    (result,) = await desk.invoker.invoke(version, [b"x" * (4 * MB)], _in(60))
    assert result == Predicted(OutputJson(b"%d" % (4 * MB)))
    assert len(function.event_sizes) == 2  # the answer that was cut was one


async def test_a_function_that_is_switched_off_is_overloaded(
    desk: Desk, shared_ministack: MiniStackUnderTest, function: FunctionServer
) -> None:
    name = f"off-{secrets.token_hex(4)}"
    functions = create_proxied_function(shared_ministack.url, name, function.url)
    functions.update_alias(FunctionName=name, Name="v-1", FunctionVersion="$LATEST")  # MiniStack limits no other
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    off = published(ModelVersion(ModelId.of("echo", 1), InputType.BYTES), name)
    (result,) = await desk.invoker.invoke(off, [b"x"], _in(0.5))
    assert isinstance(result, Unanswered)
    assert result.reason is DefaultReason.OVERLOADED
    assert "ReservedConcurrentExecutions" in result.detail


@pytest.mark.parametrize("alias", [True, False])
async def test_no_such_function_and_no_such_alias_is_no_replica(desk: Desk, version: ModelVersion, alias: bool) -> None:
    assert version.function is not None
    absent = replace(version.function, **({"alias": "v-9"} if alias else {"name": "absent"}))
    (result,) = await desk.invoker.invoke(replace(version, function=absent), [b"x"], _in(20))
    assert isinstance(result, Unanswered)
    assert result.reason is DefaultReason.NO_REPLICA
    assert "ResourceNotFoundException" in result.detail


async def test_the_published_version_that_answered_is_recorded(desk: Desk, version: ModelVersion) -> None:
    assert version.function is not None
    behind = replace(version, function=replace(version.function, number="0"))
    assert await desk.invoker.invoke(behind, [b"xx"], _in(20)) == [Predicted(OutputJson(b"2"), "1")]
    assert await desk.invoker.invoke(version, [b"xx"], _in(20)) == [Predicted(OutputJson(b"2"))]
