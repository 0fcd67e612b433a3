"""What Lambda may answer, and how an invoker takes it; by a server that answers what a test wants."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import pytest

from clipper_sls.adapters.aws.lambda_invoker import MAX_CRASHES, LambdaInvoker
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.domain.envelope import MAX_PAYLOAD_BYTES
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.query import (
    Deadline,
    DefaultReason,
    OutputJson,
    PackedRow,
    Predicted,
    RowResult,
    Unanswered,
)
from clipper_sls.domain.records import ModelVersion
from clipper_sls.domain.rows_at_once import MAX_PARALLEL
from clipper_sls.domain.serving import Serving
from clipper_sls.testing.fakes import RecordingMetrics
from clipper_sls.testing.faulty_proxy import Answer, CutAnswer, DropRequest, Fault, faulty_proxy
from clipper_sls.testing.http_model import HttpModelServer, http_model_server, response
from clipper_sls.testing.lambda_functions import aws_client, lambda_invoker, published
from clipper_sls.testing.ports import free_port

MODEL = ModelId.of("lengths", 1)
VERSION = published(ModelVersion(MODEL, InputType.BYTES), number="7")
ONCE = replace(VERSION, serving=Serving(is_idempotent=False))
FOREVER = Deadline(float("inf"))
CLOCK = SystemClock()
OK = b'{"outputs":[1],"errors":[]}'


def _in(seconds: float) -> Deadline:
    return Deadline(CLOCK.now() + seconds)


def _output(value: int) -> Predicted:
    return Predicted(OutputJson(b"%d" % value))


def _function_error(kind: str, message: str) -> bytes:
    body = json.dumps({"errorType": kind, "errorMessage": message}).encode()
    return response(200, body, {"X-Amz-Function-Error": "Unhandled", "X-Amz-Executed-Version": "7"})


def _refused(status: int, code: str) -> bytes:
    return response(status, b'{"Type":"User","Message":"why"}', {"x-amzn-ErrorType": code})


CRASH = _function_error("Runtime.ExitError", "RequestId: 1 Error: Runtime exited with error: signal: killed")
TOO_LARGE = _function_error("Function.ResponseSizeTooLarge", "Response payload size exceeded")


@dataclass
class Desk:
    invoker: LambdaInvoker
    server: HttpModelServer
    metrics: RecordingMetrics

    async def ask(
        self, *rows: bytes, version: ModelVersion = VERSION, deadline: Deadline = FOREVER
    ) -> Sequence[RowResult]:
        return await self.invoker.invoke(version, rows, deadline)

    def asked_rows(self) -> list[int]:
        """How many rows each invocation had, in order."""
        return [len(json.loads(one.body)["lengths"]) for one in self.server.asked]


async def _lengths(path: str, rows: Sequence[PackedRow]) -> Sequence[RowResult]:
    return [_output(len(row)) for row in rows]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    metrics = RecordingMetrics()
    async with http_model_server(_lengths) as server, aws_client(server.url) as client:
        yield Desk(lambda_invoker(client, metrics), server, metrics)


async def test_the_alias_of_the_version_is_asked_and_by_its_name(desk: Desk) -> None:
    assert await desk.ask(b"abc") == [_output(3)]
    (asked,) = desk.server.asked
    assert asked.path == "/2015-03-31/functions/lengths/invocations?Qualifier=v-1"
    assert asked.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=test/")
    assert desk.metrics.batches == [(MODEL, 1)]


async def test_the_current_version_is_asked_by_the_alias_that_a_rollback_moves(desk: Desk) -> None:
    await desk.ask(b"abc", version=VERSION.as_current())
    assert desk.server.asked[0].path.endswith("?Qualifier=current")


async def test_who_answered_instead_is_recorded(desk: Desk) -> None:
    desk.server.scripted += [
        response(200, OK, {"X-Amz-Executed-Version": "7"}),
        response(200, OK, {"X-Amz-Executed-Version": "8"}),
    ]
    assert await desk.ask(b"x") == [Predicted(OutputJson(b"1"))]
    assert await desk.ask(b"x") == [Predicted(OutputJson(b"1"), "8")]
    assert desk.metrics.by_others == [(MODEL, "8", 1)]


async def test_a_version_without_a_function_is_not_asked(desk: Desk) -> None:
    (result,) = await desk.ask(b"x", version=replace(VERSION, function=None))
    assert isinstance(result, Unanswered)
    assert desk.server.asked == []


async def test_what_is_throttled_for_a_moment_is_asked_again(desk: Desk) -> None:
    desk.server.scripted += [_refused(429, "TooManyRequestsException")] * 2
    assert await desk.ask(b"abc") == [_output(3)]
    assert await desk.ask(b"abc", version=ONCE) == [_output(3)]
    assert desk.metrics.throttles == []


async def test_what_stays_throttled_is_overloaded(desk: Desk) -> None:
    desk.server.scripted += [_refused(429, "TooManyRequestsException")] * 20
    (result,) = await desk.ask(b"abc", deadline=_in(0.2))
    assert isinstance(result, Unanswered)
    assert result.reason is DefaultReason.OVERLOADED
    assert "Invoke lengths:v-1: TooManyRequestsException: why" in result.detail
    assert desk.metrics.throttles == [MODEL]


async def test_a_fault_of_lambda_is_asked_again_if_it_may_be(desk: Desk) -> None:
    desk.server.scripted += [_refused(500, "ServiceException"), _refused(502, "EC2UnexpectedException")]
    assert await desk.ask(b"abc") == [_output(3)]
    desk.server.scripted += [_refused(500, "ServiceException")]
    (result,) = await desk.ask(b"abc", version=ONCE)
    assert isinstance(result, Unanswered)
    assert result.reason is DefaultReason.NO_REPLICA
    assert len(desk.server.asked) == 4


async def test_a_lost_connection_is_asked_again_if_it_may_be(desk: Desk) -> None:
    desk.server.scripted += [None, None]
    assert await desk.ask(b"abc") == [_output(3)]
    desk.server.scripted.append(None)
    (result,) = await desk.ask(b"abc", version=ONCE)
    assert isinstance(result, Unanswered)
    assert result.reason is DefaultReason.NO_REPLICA
    assert "broke off" in result.detail


@pytest.mark.parametrize(
    ("scripted", "reason", "detail"),
    [
        (_function_error("ValueError", "no"), DefaultReason.MODEL_FAILED, "ValueError: no"),
        (_function_error("Sandbox.Timedout", "Task timed out after 3.00 s"), DefaultReason.TIMED_OUT, "3.00 s"),
        (_refused(404, "ResourceNotFoundException"), DefaultReason.NO_REPLICA, "Invoke lengths:v-1: ResourceNotFound"),
        (_refused(403, "AccessDeniedException"), DefaultReason.MODEL_FAILED, "Who asks may not do that"),
    ],
)
async def test_reasons_are_told_apart(desk: Desk, scripted: bytes, reason: DefaultReason, detail: str) -> None:
    desk.server.scripted.append(scripted)
    (result,) = await desk.ask(b"x")
    assert isinstance(result, Unanswered)
    assert result.reason is reason
    assert detail in result.detail
    assert len(desk.server.asked) == 1


async def test_nobody_there_is_no_replica() -> None:
    async with aws_client(f"http://127.0.0.1:{free_port()}") as client:
        invoker = lambda_invoker(client, RecordingMetrics())
        (result,) = await invoker.invoke(VERSION, [b"x"], _in(0.2))
    assert isinstance(result, Unanswered)
    assert result.reason is DefaultReason.NO_REPLICA
    assert "cannot be reached" in result.detail


async def test_there_is_an_answer_at_the_deadline_and_the_connection_is_closed() -> None:
    is_given_up = asyncio.Event()

    async def slow(path: str, rows: Sequence[PackedRow]) -> Sequence[RowResult]:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            is_given_up.set()
        raise AssertionError

    async with http_model_server(slow) as server, aws_client(server.url) as client:
        began = CLOCK.now()
        (result,) = await lambda_invoker(client, RecordingMetrics()).invoke(VERSION, [b"x"], _in(0.2))
        assert result == Unanswered(DefaultReason.TIMED_OUT)
        assert 0.19 < CLOCK.now() - began < 0.5
        async with asyncio.timeout(5):
            await is_given_up.wait()


async def test_a_fixed_batch_size_is_kept(desk: Desk) -> None:
    results = await desk.ask(*[b"x" * n for n in range(100)], version=replace(VERSION, batch_size=3))
    assert results == [_output(n) for n in range(100)]
    assert desk.asked_rows() == [3] * 33 + [1]


async def test_rows_of_a_version_with_any_batch_size_go_together(desk: Desk) -> None:
    assert await desk.ask(*[b"x"] * 400, deadline=_in(30)) == [_output(1)] * 400
    assert desk.asked_rows() == [400]


async def test_and_in_parts_when_that_takes_too_long(desk: Desk) -> None:
    async def slow(path: str, rows: Sequence[PackedRow]) -> Sequence[RowResult]:
        await asyncio.sleep(0.01 * len(rows))
        return await _lengths(path, rows)

    desk.server.answer = slow
    for _ in range(2):
        assert set(await desk.ask(*[b"x"] * 64, deadline=_in(0.4))) == {Unanswered(DefaultReason.TIMED_OUT)}
    for _ in range(3):
        await desk.ask(*[b"x"] * 64, deadline=_in(0.4))
    desk.server.asked.clear()
    assert await desk.ask(*[b"x"] * 64, deadline=_in(0.4)) == [_output(1)] * 64
    assert 4 <= len(desk.server.asked) <= MAX_PARALLEL


async def test_rows_that_do_not_fit_into_one_event_go_in_several_at_one_time(desk: Desk) -> None:
    rows = [b"x" * 2_000_000] * 5
    assert await desk.ask(*rows, version=replace(VERSION, batch_size=1000)) == [_output(2_000_000)] * 5
    assert sorted(desk.asked_rows()) == [1, 2, 2]
    assert all(len(asked.body) <= MAX_PAYLOAD_BYTES for asked in desk.server.asked)


async def test_a_row_that_fits_nowhere_is_told_and_spoils_no_other(desk: Desk) -> None:
    large, small = await desk.ask(b"x" * 5_000_000, b"abc", version=replace(VERSION, batch_size=1000))
    assert small == _output(3)
    assert isinstance(large, Unanswered)
    assert "5000000 bytes; AWS Lambda takes 6291456" in large.detail


async def test_a_row_that_ends_the_process_is_found_by_halves(desk: Desk) -> None:
    desk.server.answer = _dies_of_poison
    results = await desk.ask(*[b"ab"] * 6, b"poison", *[b"ab"] * 25, version=replace(VERSION, batch_size=1000))
    assert [isinstance(result, Unanswered) for result in results] == [False] * 6 + [True] + [False] * 25
    assert "Runtime.ExitError" in results[6].detail
    assert sorted(desk.asked_rows()) == sorted([32, 16, 16, 8, 8, 4, 4, 2, 2, 1, 1])


async def test_a_function_that_always_ends_is_not_asked_for_ever(desk: Desk) -> None:
    desk.server.answer = _dies
    results = await desk.ask(*[b"poison"] * 1000, version=replace(VERSION, batch_size=1000))
    assert {type(result) for result in results} == {Unanswered}
    assert len(desk.server.asked) <= 2 * MAX_CRASHES + 1


async def test_what_may_not_be_repeated_is_not_asked_in_halves(desk: Desk) -> None:
    for scripted in (CRASH, TOO_LARGE):
        desk.server.scripted.append(scripted)
        results = await desk.ask(b"a", b"b", version=replace(ONCE, batch_size=1000))
        assert {type(result) for result in results} == {Unanswered}
    assert desk.asked_rows() == [2, 2]


async def test_results_that_are_too_large_together_come_in_halves(desk: Desk) -> None:
    desk.server.scripted.append(TOO_LARGE)
    results = await desk.ask(b"a", b"bb", b"ccc", version=replace(VERSION, batch_size=1000))
    assert results == [_output(1), _output(2), _output(3)]
    assert desk.asked_rows() == [3, 1, 2]


async def test_a_single_result_that_is_too_large_is_told(desk: Desk) -> None:
    desk.server.scripted.append(TOO_LARGE)
    (result,) = await desk.ask(b"a")
    assert isinstance(result, Unanswered)
    assert "Function.ResponseSizeTooLarge" in result.detail


async def _dies_of_poison(path: str, rows: Sequence[PackedRow]) -> Sequence[RowResult] | bytes:
    return CRASH if b"poison" in rows else await _lengths(path, rows)


async def _dies(path: str, rows: Sequence[PackedRow]) -> Sequence[RowResult] | bytes:
    return CRASH


DEEDS = (Answer(429), Answer(500), Answer(503), DropRequest(), DropRequest(after_bytes=20), CutAnswer(after_bytes=4))


@pytest.mark.parametrize("is_idempotent", [True, False])
async def test_with_faults_of_all_kinds_no_answer_is_wrong_and_nothing_is_done_twice_that_must_not_be(
    is_idempotent: bool,
) -> None:
    chance, seen = random.Random(5), Counter[bytes]()

    async def counted(path: str, rows: Sequence[PackedRow]) -> Sequence[RowResult]:
        seen.update(rows)
        return [_output(int(row)) for row in rows]

    async def ask(invoker: LambdaInvoker, number: int, turns: asyncio.Semaphore) -> RowResult:
        async with turns:
            if chance.random() < 0.4:
                proxy.fail(Fault("POST", "/invocations", chance.choice(DEEDS)))
            version = replace(VERSION, serving=Serving(is_idempotent=is_idempotent))
            (result,) = await invoker.invoke(version, [b"%d" % number], _in(30))
            return result

    async with http_model_server(counted) as server:
        with faulty_proxy(urlsplit(server.url).netloc) as proxy:
            async with aws_client(f"http://{proxy.host}") as client:
                invoker, turns = lambda_invoker(client, RecordingMetrics()), asyncio.Semaphore(8)
                results = await asyncio.gather(*(ask(invoker, number, turns) for number in range(200)))
    answered = [result == _output(number) for number, result in enumerate(results)]
    assert all(isinstance(result, Unanswered) or answered[number] for number, result in enumerate(results))
    if is_idempotent:
        assert all(answered)
    else:
        assert max(seen.values()) == 1
        assert 100 < sum(answered) < 200
