"""The servers that stand for AWS in tests: they answer, forget, and end."""

import io
import json
import socket
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx2
import pytest

from clipper_sls.testing.ministack import ACCOUNT, PROXY_URL_VARIABLE, REGION, MiniStackUnderTest, ministack
from clipper_sls.testing.moto_server import MotoServerUnderTest, moto_server
from clipper_sls.testing.ports import free_port


def _client(service: Any, url: str) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.Session(**keys, region_name=REGION).client(service, endpoint_url=url)


def _listens(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", urlsplit(url).port or 0)) == 0


class _Echo(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({"event": event, "version": self.headers["X-Amzn-Lambda-Function-Version"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def echo_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def _create_function(server: MiniStackUnderTest, name: str, variables: dict[str, str]) -> Any:
    functions = _client("lambda", server.url)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("nothing.py", "")
    functions.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=f"arn:aws:iam::{ACCOUNT}:role/any",
        Handler="nothing.nothing",
        Code={"ZipFile": archive.getvalue()},
        Environment={"Variables": variables},
        Publish=True,
    )
    return functions


def test_ministack_answers_forgets_and_ends(tmp_path: Path) -> None:
    with ministack(tmp_path / "ministack") as server:
        queues = _client("sqs", server.url)
        queues.create_queue(QueueName="jobs")
        assert len(queues.list_queues()["QueueUrls"]) == 1
        server.reset()
        assert not queues.list_queues().get("QueueUrls")
    assert not _listens(server.url)


def test_ministack_asks_who_answers_for_a_function(tmp_path: Path, echo_url: str) -> None:
    with ministack(tmp_path, lambda_proxies={"named": echo_url}) as server:
        for name, variables in {"named": {}, "told": {PROXY_URL_VARIABLE: echo_url}}.items():
            functions = _create_function(server, name, variables)
            answer = functions.invoke(FunctionName=name, Qualifier="1", Payload=b'{"x": 1}')
            assert json.loads(answer["Payload"].read()) == {"event": {"x": 1}, "version": "1"}


def test_moto_answers_forgets_and_ends(tmp_path: Path) -> None:
    with moto_server(tmp_path) as server:
        tables = _client("dynamodb", server.url)
        tables.create_table(
            TableName="cache",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "B"}],
            KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        )
        assert tables.list_tables()["TableNames"] == ["cache"]
        server.reset()
        assert tables.list_tables()["TableNames"] == []
    assert not _listens(server.url)


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        port = str(taken.getsockname()[1])
        with (
            pytest.raises(RuntimeError, match="already in use"),
            ministack(tmp_path, environment={"GATEWAY_PORT": port}),
        ):
            pass


@pytest.mark.parametrize("kind", [MiniStackUnderTest, MotoServerUnderTest])
def test_a_reset_that_fails_is_an_error(kind: Any, tmp_path: Path) -> None:
    with pytest.raises(httpx2.ConnectError):
        kind(f"http://127.0.0.1:{free_port()}", tmp_path).reset()
