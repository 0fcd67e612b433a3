"""A real Redis or Valkey server for a test: its own process, its own folder, a free port, nothing kept.

with redis_server(tmp_path) as server:
    client(server.url)
"""

import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from clipper_sls.testing.ports import free_port

BINARIES = ("redis-server", "valkey-server")
START_LIMIT_S = 20.0
_POLL_S = 0.01


def find_redis_server() -> str | None:
    """A server's path, where one is installed."""
    return next((path for name in BINARIES if (path := shutil.which(name))), None)


@dataclass
class RedisServerUnderTest:
    """Can be killed, and started again where it was, with none of its content."""

    folder: Path
    options: Sequence[str] = ()
    binary: str | None = None  # a path; None: whichever is installed
    port: int = field(default_factory=free_port)
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def socket_path(self) -> Path:
        return self.folder / "redis.sock"

    def start(self) -> None:
        """Returns when it answers."""
        binary = self.binary or find_redis_server()
        assert binary is not None, f"none of {', '.join(BINARIES)} is installed"
        arguments = {"port": self.port, "bind": "127.0.0.1", "dir": self.folder, "unixsocket": self.socket_path}
        options = [text for name, value in arguments.items() for text in (f"--{name}", str(value))]
        with (self.folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - a path that `which` found
                [binary, *options, "--save", "", "--appendonly", "no", *self.options], stdout=log, stderr=log
            )
        for _ in range(round(START_LIMIT_S / _POLL_S)):
            if self._answers():
                return
            if self._has_ended():
                break
        raise RuntimeError(f"The server did not start; it printed:\n{(self.folder / 'redis.log').read_text()}")

    def kill(self) -> None:
        """SIGKILL, and wait; nothing to do when it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def ask(self, *words: object) -> bytes:
        """The answer to one short command, as it comes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            texts = [str(word).encode() for word in words]
            parts = [b"*%d\r\n" % len(texts), *(b"$%d\r\n%b\r\n" % (len(text), text) for text in texts)]
            connection.sendall(b"".join(parts))
            return connection.recv(65536)

    def hang(self) -> None:
        """SIGSTOP: connections are accepted by the system, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _answers(self) -> bool:
        """With or without a password: anything but a refusal to connect, or that it is loading, is an answer."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64)[:5] in (b"+PONG", b"-NOAU")
        except OSError:
            return False

    def _has_ended(self) -> bool:
        assert self._process is not None
        try:
            self._process.wait(_POLL_S)
        except subprocess.TimeoutExpired:
            return False
        return True


@contextmanager
def redis_server(
    folder: Path, options: Sequence[str] = (), binary: str | None = None
) -> Iterator[RedisServerUnderTest]:
    """A running server with further `options`; killed at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    server = RedisServerUnderTest(folder, options, binary)
    try:
        server.start()
        yield server
    finally:
        server.kill()
