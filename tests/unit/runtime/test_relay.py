"""What passes through a relay, and what happens when one of its ends is gone; the relay and its owner are processes."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

LIMIT_S = 20
OWNER = """
import signal, sys
from clipper_sls.runtime.relay import start_relay
print(start_relay(sys.argv[1]), flush=True)
signal.pause()
"""


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    """Whoever offers the Runtime API."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.settimeout(LIMIT_S)
        listening.bind(str(tmp_path / "api.sock"))
        listening.listen()
        yield listening


@pytest.fixture
def owner(listener: socket.socket) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", OWNER, listener.getsockname()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.fixture
def lifeline(listener: socket.socket, owner: "subprocess.Popen[str]") -> Iterator[socket.socket]:
    """The first connection is the relay's own."""
    accepted, _ = listener.accept()
    with accepted:
        yield accepted


@pytest.fixture
def address(owner: "subprocess.Popen[str]", lifeline: socket.socket) -> tuple[str, int]:
    assert owner.stdout is not None
    host, _, port = owner.stdout.readline().strip().partition(":")
    return host, int(port)


def _all_of(connection: socket.socket, size_bytes: int) -> bytes:
    content = b""
    while len(content) < size_bytes and (chunk := connection.recv(1 << 16)):
        content += chunk
    return content


def test_bytes_pass_both_ways_as_they_are(listener: socket.socket, address: tuple[str, int]) -> None:
    content = bytes(range(256)) * 256
    with socket.create_connection(address, LIMIT_S) as near, listener.accept()[0] as far:
        far.settimeout(LIMIT_S)
        for source, target in ((near, far), (far, near)):
            source.sendall(content[:10])
            assert _all_of(target, 10) == content[:10]
        far.sendall(content)
        assert _all_of(near, len(content)) == content


def test_connections_do_not_wait_for_each_other(listener: socket.socket, address: tuple[str, int]) -> None:
    with (
        socket.create_connection(address, LIMIT_S) as first,
        listener.accept()[0] as first_far,
        socket.create_connection(address, LIMIT_S) as second,
        listener.accept()[0] as second_far,
    ):
        second_far.sendall(b"second")
        assert _all_of(second, 6) == b"second"
        first_far.sendall(b"first")
        assert _all_of(first, 5) == b"first"


@pytest.mark.parametrize("is_near", [True, False])
def test_the_end_of_a_connection_is_passed_on(listener: socket.socket, address: tuple[str, int], is_near: bool) -> None:
    with socket.create_connection(address, LIMIT_S) as near, listener.accept()[0] as far:
        far.settimeout(LIMIT_S)
        closed, other = (near, far) if is_near else (far, near)
        closed.close()
        assert other.recv(1) == b""


def test_who_owns_a_relay_ends_with_whoever_offers_the_api(
    owner: "subprocess.Popen[str]", lifeline: socket.socket, address: tuple[str, int]
) -> None:
    lifeline.close()
    assert owner.wait(LIMIT_S) != 0


def test_nobody_there_is_an_error_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(tmp_path / "absent")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 1
    assert "FileNotFoundError" in done.stderr
