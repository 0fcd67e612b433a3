"""What is too large for Lambda goes by URLs, to S3 and to nothing else."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from clipper_sls.domain.envelope import MAX_PAYLOAD_BYTES
from clipper_sls.errors import MalformedRequestError, StoreUnavailableError
from clipper_sls.runtime.payloads import fetched_rows, fitting

LARGE = {"outputs": ["x" * MAX_PAYLOAD_BYTES], "errors": []}


@dataclass
class Storage:
    url: str = ""
    status: int = 200
    content: bytes = b"abc"
    put: list[bytes] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL": self.url}

    def event(self) -> dict[str, Any]:
        return {"lengths": [1, 2], "data_url": f"{self.url}/rows?x=1", "result_url": f"{self.url}/result"}


class _Handler(BaseHTTPRequestHandler):
    storage: ClassVar[Storage]

    def do_GET(self) -> None:
        self._answer(self.storage.content)

    def do_PUT(self) -> None:
        self.storage.put.append(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(b"")

    def _answer(self, content: bytes) -> None:
        self.send_response(self.storage.status)
        self.send_header("Location", "http://169.254.169.254/")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def storage() -> Iterator[Storage]:
    storage = Storage()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"storage": storage}))
    storage.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield storage
    server.shutdown()
    thread.join()
    server.server_close()


def test_rows_in_the_event_are_not_fetched() -> None:
    assert fetched_rows({"lengths": [3], "data": "YWJj"}, {}) is None


def test_rows_elsewhere_are_fetched(storage: Storage) -> None:
    assert fetched_rows(storage.event(), storage.environment) == b"abc"


def test_no_more_is_fetched_than_shows_that_it_is_too_much(storage: Storage) -> None:
    storage.content = b"abcdefgh"
    assert fetched_rows(storage.event(), storage.environment) == b"abcd"


def test_a_result_stays_in_the_answer_if_it_fits(storage: Storage) -> None:
    result = {"outputs": [1], "errors": []}
    assert fitting(result, storage.event(), storage.environment) == result
    assert fitting(LARGE, {}, storage.environment) == LARGE
    assert storage.put == []


def test_a_result_that_is_too_large_is_put(storage: Storage) -> None:
    stored = fitting(LARGE, storage.event(), storage.environment)
    assert stored == {"stored_bytes": len(storage.put[0])}
    assert storage.put[0].startswith(b'{"outputs": ["xxx')


def test_what_does_not_lead_to_s3_is_not_followed(storage: Storage) -> None:
    elsewhere = "http://127.0.0.1:1/latest/meta-data"
    event = {**storage.event(), "data_url": elsewhere, "result_url": elsewhere}
    with pytest.raises(MalformedRequestError, match="does not lead to S3"):
        fetched_rows(event, storage.environment)
    with pytest.raises(MalformedRequestError, match="does not lead to S3"):
        fitting(LARGE, event, storage.environment)


@pytest.mark.parametrize(("status", "word"), [(403, "403 abc"), (302, "302"), (500, "500")])
def test_what_s3_refuses_is_told_and_a_redirect_is_not_followed(storage: Storage, status: int, word: str) -> None:
    storage.status = status
    with pytest.raises(StoreUnavailableError, match=word):
        fetched_rows(storage.event(), storage.environment)


def test_nobody_there_is_told() -> None:
    environment = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    with pytest.raises(StoreUnavailableError, match="did not answer the function's GET"):
        fetched_rows({"lengths": [1], "data_url": "http://127.0.0.1:1/rows"}, environment)
