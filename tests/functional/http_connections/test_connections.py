"""Kept connections, and TLS, against a server of threads, which goes on while the client's loop stands still."""

import asyncio
import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from clipper_sls.adapters.http_connections.connection import BrokenConnectionError, Response
from clipper_sls.adapters.http_connections.connections import Connections, UnreachableError
from clipper_sls.domain.endpoint import Endpoint

ANSWER = b"HTTP/1.1 200 OK\r\nX-Name: a: b\r\nContent-Length: 2\r\nx-NAME2: c\r\n\r\n{}"


@dataclass
class Server:
    """Answers each request at once, on connections that it keeps until it is told to close them."""

    url: str
    listening: socket.socket
    tls: ssl.SSLContext | None = None
    open: list[socket.socket] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)
    opened: int = 0
    asked: int = 0

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listening.accept()
                if self.tls is not None:
                    connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                self.opened += 1
                self.open.append(connection)
                self.threads.append(threading.Thread(target=self.answer, args=(connection,)))
                self.threads[-1].start()

    def answer(self, connection: socket.socket) -> None:
        with suppress(OSError):
            while connection.recv(65_536):
                self.asked += 1
                connection.sendall(ANSWER)

    def close_connections(self) -> None:
        """They are closed when this returns."""
        for connection in self.open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self.open.clear()


def _serving(tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = Server(f"http{'s' if tls else ''}://127.0.0.1:{listening.getsockname()[1]}", listening, tls)
    thread = threading.Thread(target=server.accept)
    thread.start()
    yield server
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()
    server.close_connections()
    for one in server.threads:
        one.join()


@pytest.fixture
def server() -> Iterator[Server]:
    yield from _serving()


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One that runs only while something is asked, as that of a function that is frozen in between."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def _post(loop: asyncio.AbstractEventLoop, connections: Connections, may_repeat: bool) -> Response:
    return loop.run_until_complete(connections.post("/", b"x", {}, may_repeat=may_repeat))


def test_headers_come_by_name_in_lower_case(server: Server, loop: asyncio.AbstractEventLoop) -> None:
    connections = Connections(Endpoint.parse(server.url))
    response = _post(loop, connections, False)
    assert response.headers == {"x-name": "a: b", "content-length": "2", "x-name2": "c"}
    connections.close()


@pytest.mark.parametrize("may_repeat", [True, False])
def test_a_connection_that_was_closed_while_the_loop_stood_still_is_replaced(
    server: Server, loop: asyncio.AbstractEventLoop, may_repeat: bool
) -> None:
    connections = Connections(Endpoint.parse(server.url))
    _post(loop, connections, may_repeat)
    _post(loop, connections, may_repeat)
    assert server.opened == 1
    server.close_connections()
    assert _post(loop, connections, may_repeat).status == 200
    assert (server.opened, server.asked) == (2, 3)
    connections.close()


def test_a_connection_that_was_not_used_for_long_is_replaced(server: Server, loop: asyncio.AbstractEventLoop) -> None:
    connections = Connections(Endpoint.parse(server.url), max_idle_s=0.0)
    _post(loop, connections, True)
    _post(loop, connections, True)
    assert server.opened == 2
    connections.close()


def _certificate(folder: Path) -> tuple[Path, Path]:
    """For 127.0.0.1, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)  # noqa: TID251
    day = datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "certificate.pem", folder / "key.pem"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    return _certificate(tmp_path)


@pytest.fixture
def tls_server(certificate: tuple[Path, Path]) -> Iterator[Server]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    yield from _serving(context)


def test_a_server_with_a_certificate_that_the_machine_knows_is_asked(
    tls_server: Server,
    certificate: tuple[Path, Path],
    loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    connections = Connections(Endpoint.parse(tls_server.url))
    assert _post(loop, connections, True).body == b"{}"
    assert _post(loop, connections, True).body == b"{}"
    assert tls_server.opened == 1
    connections.close()


def test_any_other_is_not(tls_server: Server, loop: asyncio.AbstractEventLoop) -> None:
    connections = Connections(Endpoint.parse(tls_server.url))
    with pytest.raises(UnreachableError, match="certificate verify failed"):
        _post(loop, connections, True)
    assert tls_server.asked == 0
    connections.close()


def test_what_is_not_http_breaks_the_connection(loop: asyncio.AbstractEventLoop, server: Server) -> None:
    tls_to_plain = Connections(Endpoint.parse(server.url.replace("http:", "https:")))
    with pytest.raises((UnreachableError, BrokenConnectionError)):
        _post(loop, tls_to_plain, True)
    tls_to_plain.close()
