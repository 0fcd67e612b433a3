"""What a run makes of a server's answers."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest

from clipper_sls.domain.bulk.rows import RowAnswer
from clipper_sls.errors import (
    ClipperError,
    InvalidError,
    InvalidInputError,
    PredictionFailedError,
    RequestFailedError,
    RequestTooLargeError,
    UnconnectedError,
)
from clipper_sls.sdk.bulk_client import Asked, predict_url
from clipper_sls.sdk.http_client import HttpClient
from clipper_sls.testing.ports import free_port

TWO = {"batch_predictions": [{"query_id": 1, "output": 1.50, "default": False}]}
TWO["batch_predictions"].append(
    {"query_id": 2, "output": -1, "default": True, "default_reason": "timed_out", "default_detail": "late"}
)


@dataclass
class Server:
    """Answers in turn: a status, a JSON body, headers."""

    answers: list[tuple[int, Any, dict[str, str]]]
    url: str = ""
    seen: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    scripted = Server([])

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            scripted.seen.append((f"{self.command} {self.path}", dict(self.headers), body))
            status, content, headers = scripted.answers.pop(0)
            text = json.dumps(content).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = answer  # noqa: N815 - names of the standard library

        def log_message(self, *_: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    scripted.url = f"http://127.0.0.1:{running.server_address[1]}"
    thread = threading.Thread(target=running.serve_forever, args=(0.01,))
    thread.start()
    yield scripted
    running.shutdown()
    thread.join()
    running.server_close()


async def answers(server: Server, *inputs: bytes, **asked: Any) -> list[RowAnswer]:
    http = HttpClient(server.url, auth=httpx2.BasicAuth("me", "secret"))
    async with predict_url(http, Asked("a b", asked.pop("version", "7"), 1.0, **asked), connections=1) as url:
        return list(await url.predict(inputs))


async def test_outputs_come_as_they_are_and_defaults_with_their_reasons(server: Server) -> None:
    server.answers = [(200, TWO, {})]
    found = await answers(server, b"[1]", b"[2.0]")
    assert found == [RowAnswer(b"1.5"), RowAnswer(b"-1", "timed_out", "late")]
    ((line, headers, body),) = server.seen
    assert line == "POST /a%20b/predict"
    assert body == b'{"input_batch":[[1],[2.0]],"version":"7"}'
    assert headers["Authorization"].startswith("Basic ")
    assert "Prefer" not in headers


async def test_a_job_is_waited_for(server: Server) -> None:
    job = {"job_id": "x", "status": "queued"}
    done = {**job, "status": "done", **TWO}
    server.answers = [(202, job, {"Location": "/jobs/x"}), (200, job, {}), (200, done, {})]
    assert len(await answers(server, b"1", b"2", as_jobs=True)) == 2
    assert [line for line, _, _ in server.seen] == ["POST /a%20b/predict", *["GET /jobs/x?wait=20"] * 2]
    assert server.seen[0][1]["Prefer"] == "respond-async"


async def test_a_job_that_was_given_up_ends_the_run_with_its_reason(server: Server) -> None:
    failed = {"job_id": "x", "status": "failed", "error": "Job failed", "cause": "no replica", "code": "job_failed"}
    server.answers = [(202, {"status": "queued"}, {"Location": "/jobs/x"}), (200, failed, {})]
    with pytest.raises(PredictionFailedError, match="has failed: no replica"):
        await answers(server, b"1", b"2")


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "invalid_input", InvalidInputError),
        (413, "request_too_large", RequestTooLargeError),
        (403, None, InvalidError),
        (429, None, RequestFailedError),
        (500, "error", RequestFailedError),
        (503, "store_unavailable", RequestFailedError),
        (504, None, RequestFailedError),
    ],
)
async def test_refusals_are_told_by_whether_another_try_may_help(
    server: Server, status: int, code: str | None, expected: type[ClipperError]
) -> None:
    server.answers = [(status, {"error": "e"}, {"X-Clipper-Error-Code": code} if code else {})]
    with pytest.raises(expected) as refused:
        await answers(server, b"1")
    assert type(refused.value) is expected


@pytest.mark.parametrize("body", [{"batch_predictions": []}, {"batch_predictions": 5}, [1]])
async def test_what_is_no_answer_to_the_inputs_may_be_asked_again(server: Server, body: Any) -> None:
    server.answers = [(200, body, {})]
    with pytest.raises(RequestFailedError):
        await answers(server, b"1")


async def test_nobody_there_is_told_as_that() -> None:
    with pytest.raises(UnconnectedError):
        await answers(Server([], f"http://127.0.0.1:{free_port()}"), b"1")
