"""Connections that are cut, slow or carry no HTTP: others do not notice, and the log does not fill."""

import socket
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from clipper_sls.testing.engine import EngineUnderTest

Check = Callable[[], None]
HEAD = b"POST /doubles/predict HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def _connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=30)


@pytest.fixture
def connection(engine: EngineUnderTest) -> Iterator[socket.socket]:
    """A connection for bytes that no HTTP library sends."""
    with _connect(engine.query) as connection:
        yield connection


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\x02\x03 nonsense\r\n\r\n",
        HEAD + b"Content-Length: -5\r\n\r\n",
        HEAD + b"Content-Length: five\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZZ\r\n",
        HEAD + b"X: " + b"a" * 200_000 + b"\r\n\r\n",
    ],
    ids=["no HTTP", "negative length", "no length", "no chunk", "a large header"],
)
def test_what_is_no_request_is_refused_or_cut(connection: socket.socket, all_is_well: Check, sent: bytes) -> None:
    try:
        connection.sendall(sent)
        assert connection.recv(65536)[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 431", b"")
    except (BrokenPipeError, ConnectionResetError):
        pass
    all_is_well()


@pytest.mark.parametrize("last", [b"", b"Transfer-Encoding: chunked\r\n\r\n5\r\n[1.", b"Content-Length: 9\r\n\r\n[1."])
def test_a_sender_that_leaves_in_the_middle_disturbs_nobody(
    connection: socket.socket, all_is_well: Check, last: bytes
) -> None:
    connection.sendall(HEAD + last)
    connection.close()
    all_is_well()


@pytest.mark.parametrize(
    "path",
    [
        *("/doubles/predict", "/doubles/predict/", "/doubles/update", "/v2/models/doubles/infer"),
        *("/admin/add_app", "/admin/add_model", "/admin/upload_bundle"),
    ],
)
def test_half_a_body_is_no_fault_of_the_engine(engine: EngineUnderTest, all_is_well: Check, path: str) -> None:
    with _connect(engine.management if path.startswith("/admin") else engine.query) as connection:
        connection.sendall(b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n" % path.encode())
        connection.sendall(b'Content-Length: 1000\r\n\r\n{"input": [1.0')
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(65536) == b""  # cut by the engine, too
    all_is_well()


def test_a_sender_that_takes_its_time_is_answered(connection: socket.socket, all_is_well: Check) -> None:
    body = b'{"input": [1.0, 2.0]}'
    connection.sendall(HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body))
    for index in range(len(body)):
        connection.sendall(body[index : index + 1])
        if index % 7 == 0:
            all_is_well()
    assert b'"output":3.0' in b"".join(iter(lambda: connection.recv(65536), b""))
