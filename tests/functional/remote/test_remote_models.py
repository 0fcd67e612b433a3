"""A version that runs elsewhere is asked over HTTP: what is answered when the server is slow, gone, full or wrong."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.adapters.remote.remote_models import RemoteModels
from clipper_sls.domain.endpoint import Endpoint
from clipper_sls.domain.envelope import TIMEOUT_HEADER
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.query import Deadline, DefaultReason, OutputJson, PackedRow, Predicted, RowResult, Unanswered
from clipper_sls.domain.records import ModelVersion
from clipper_sls.domain.replicas import Health
from clipper_sls.domain.serving import Serving
from clipper_sls.testing.fakes import RecordingMetrics
from clipper_sls.testing.http_model import HttpModelServer, http_model_server, response
from clipper_sls.testing.ports import free_port

PATIENCE_S = 10.0
MODEL = ModelId.of("m", 1)
ANSWERED = [Predicted(OutputJson(b"1"))]


@dataclass
class Asking:
    """One model elsewhere, and its server. Rows are answered with their lengths, as soon as `may_answer` is set."""

    models: RemoteModels
    server: HttpModelServer
    clock: SystemClock
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, *rows: bytes, budget_s: float = PATIENCE_S, version: ModelVersion | None = None, **more: Any):
        asked = version or self.version()
        await self.models.start(asked)
        results = self.models.invoke(asked, rows or (b"x",), Deadline(self.clock.now() + budget_s), **more)
        return list(await results)

    def version(self, *, is_idempotent: bool = True, url: str | None = None) -> ModelVersion:
        endpoint = Endpoint.parse(url or self.server.url)
        return ModelVersion(MODEL, InputType.BYTES, endpoint=endpoint, serving=Serving(is_idempotent=is_idempotent))

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)


@pytest.fixture
async def asking() -> AsyncIterator[Asking]:
    async def answer(path: str, rows: Sequence[PackedRow]) -> Sequence[RowResult]:
        await made.may_answer.wait()
        return [Predicted(OutputJson(b"%d" % len(row))) for row in rows]

    clock = SystemClock()
    models = RemoteModels(clock=clock, metrics=RecordingMetrics(), drain_timeout_s=0.0)
    async with http_model_server(answer) as server:
        made = Asking(models, server, clock)
        made.may_answer.set()
        yield made
        await models.close()


async def turns() -> None:
    """What was written or closed in this process has reached the other end of its connection, in this process, too."""
    for _ in range(10):
        await asyncio.sleep(0)


def reason(results: Sequence[RowResult]) -> tuple[DefaultReason, str]:
    (result,) = results
    assert isinstance(result, Unanswered), result
    return result.reason, result.detail


async def test_a_batch_is_one_request_that_says_how_long_it_waits(asking: Asking) -> None:
    assert await asking.ask(b"abc", b"") == [Predicted(OutputJson(b"3")), Predicted(OutputJson(b"0"))]
    (asked,) = asking.server.asked
    assert asked.path == "/2015-03-31/functions/function/invocations"
    assert json.loads(asked.body)["lengths"] == [3, 0]
    assert 0 < float(asked.headers[TIMEOUT_HEADER.lower()]) <= PATIENCE_S * 1000
    assert asked.headers["host"] == f"127.0.0.1:{asking.server.port}"


async def test_connections_are_kept(asking: Asking) -> None:
    for _ in range(5):
        await asking.ask()
    assert len(asking.server.connections) <= 2  # the probe's may be one


async def test_a_row_is_timed_out_at_its_deadline_and_its_output_comes_late(asking: Asking) -> None:
    asking.may_answer.clear()
    came: asyncio.Queue[tuple[int, OutputJson]] = asyncio.Queue()
    results = await asking.ask(budget_s=0.05, late=lambda index, output: came.put_nowait((index, output)))
    assert reason(results) == (DefaultReason.TIMED_OUT, "")
    asking.may_answer.set()
    assert await asyncio.wait_for(came.get(), PATIENCE_S) == (0, b"1")


async def test_nobody_there_is_no_replica_and_shows(asking: Asking) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    kind, detail = reason(await asking.ask(version=asking.version(url=url)))
    assert kind is DefaultReason.NO_REPLICA
    assert f"{url} cannot be reached" in detail
    (pool,) = asking.models.pools()
    assert (pool.url, pool.health) == (url, Health.DEGRADED)
    assert "cannot be reached" in str(pool.last_error)


async def test_a_name_that_leads_nowhere_is_no_replica(asking: Asking) -> None:
    kind, _ = reason(await asking.ask(version=asking.version(url="http://a..b:1")))
    assert kind is DefaultReason.NO_REPLICA


async def test_a_kept_connection_that_breaks_is_replaced_where_asking_twice_does_no_harm(asking: Asking) -> None:
    await asking.ask()
    asking.server.scripted = [None]
    assert await asking.ask() == ANSWERED
    assert len(asking.server.asked) == 3


async def test_a_kept_connection_that_breaks_is_not_replaced_where_it_does_harm(asking: Asking) -> None:
    version = asking.version(is_idempotent=False)
    await asking.ask(version=version)
    asking.server.scripted = [None]
    kind, detail = reason(await asking.ask(version=version))
    assert kind is DefaultReason.NO_REPLICA
    assert "broke off: the connection was closed" in detail
    assert len(asking.server.asked) == 2


async def test_a_connection_that_the_server_closed_meanwhile_is_not_used(asking: Asking) -> None:
    version = asking.version(is_idempotent=False)
    await asking.ask(version=version)
    asking.server.close_connections()
    await turns()
    assert await asking.ask(version=version) == ANSWERED


async def test_an_answer_that_has_begun_is_not_asked_for_again(asking: Asking) -> None:
    await asking.ask()
    asking.server.scripted = [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"]
    answering = asyncio.ensure_future(asking.ask())
    await asking.until(lambda: len(asking.server.asked) == 2)
    await turns()
    asking.server.close_connections()
    assert reason(await answering)[0] is DefaultReason.NO_REPLICA
    assert len(asking.server.asked) == 2


@pytest.mark.parametrize(
    ("scripted", "kind", "said"),
    [
        (response(200, b"{"), DefaultReason.MODEL_FAILED, "answered what is not a result"),
        (response(200, b'{"outputs":[]}'), DefaultReason.MODEL_FAILED, "0 outputs for 1 inputs"),
        (
            response(200, b'{"errorMessage":"no memory","errorType":"Runtime.ExitError","requestId":"1"}'),
            DefaultReason.MODEL_FAILED,
            "Runtime.ExitError: no memory",
        ),
        (
            response(200, b'{"outputs":[null],"errors":[],"unanswered":[[0,"overloaded","full"]]}'),
            DefaultReason.OVERLOADED,
            "full",
        ),
        (response(404, b"what?"), DefaultReason.MODEL_FAILED, "answered 404: what?"),
        (response(302, b""), DefaultReason.MODEL_FAILED, "answered 302"),
        (response(429, b""), DefaultReason.OVERLOADED, "answered 429"),
        (response(503, b""), DefaultReason.NO_REPLICA, "answered 503"),
        (b"what?\r\n\r\n", DefaultReason.NO_REPLICA, "not an HTTP response"),
    ],
)
async def test_an_answer_that_is_none_has_its_reason(
    asking: Asking, scripted: bytes, kind: DefaultReason, said: str
) -> None:
    asking.server.scripted = [scripted]
    assert (answer := reason(await asking.ask()))[0] is kind
    assert said in answer[1]
    assert await asking.ask() == ANSWERED


async def test_interim_responses_and_chunks_are_understood(asking: Asking) -> None:
    asking.server.scripted = [
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b'c\r\n{"outputs":[\r\n3\r\n7]}\r\n0\r\n\r\n'
    ]
    assert await asking.ask() == [Predicted(OutputJson(b"7"))]


async def test_a_server_that_is_not_ready_is_unwell_until_it_answers(asking: Asking) -> None:
    asking.server.is_ready = False
    await asking.models.start(asking.version())
    await asking.until(lambda: asking.models.pools()[0].health is Health.DEGRADED)
    assert "answered 503 when it was asked whether it is ready" in str(asking.models.pools()[0].last_error)
    assert await asking.ask() == ANSWERED
    assert asking.models.pools()[0].health is Health.HEALTHY


async def test_what_is_being_asked_of_a_version_that_is_stopped_is_not_left_waiting(asking: Asking) -> None:
    asking.may_answer.clear()
    answering: Awaitable[Any] = asyncio.ensure_future(asking.ask())
    await asking.until(lambda: bool(asking.server.asked))
    await asking.models.stop(MODEL)
    assert reason(await answering) == (DefaultReason.NO_REPLICA, "model m:1 is being stopped")
    assert asking.models.pools() == []
