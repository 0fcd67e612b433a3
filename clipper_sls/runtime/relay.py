"""From a loopback port to a Unix socket: how a container without a network reaches its Lambda Runtime API.

AWS' client speaks TCP. A process of its own passes the bytes on, since the client may hold the interpreter's lock while
it waits for an answer.
"""

import os
import signal
import socket
import threading
from contextlib import suppress

CHUNK_BYTES = 1 << 18


def start_relay(path: str) -> str:
    """Begin to pass on what comes to a loopback port, "127.0.0.1:9001", which is returned, to the socket at `path`.

    When whoever listens there is gone, so is this process. Raises OSError when nobody does now.
    """
    lifeline = _connected(path)
    listener = socket.create_server(("127.0.0.1", 0), backlog=16)
    parent = os.getpid()
    if os.fork() == 0:
        _relay_for_ever(listener, lifeline, path, parent)
    port = listener.getsockname()[1]
    listener.close()
    lifeline.close()
    return f"127.0.0.1:{port}"


def _relay_for_ever(listener: socket.socket, lifeline: socket.socket, path: str, parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, args=(lifeline, parent), daemon=True).start()
    while True:
        near, _ = listener.accept()
        try:
            far = _connected(path)
        except OSError:
            near.close()
            continue
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for source, target in ((near, far), (far, near)):
            threading.Thread(target=_pass_on, args=(source, target), daemon=True).start()


def _follow(lifeline: socket.socket, parent: int) -> None:
    with suppress(OSError):
        while lifeline.recv(1):
            pass
    with suppress(ProcessLookupError):
        os.kill(parent, signal.SIGKILL)
    os._exit(0)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while content := source.recv(CHUNK_BYTES):
            target.sendall(content)
    with suppress(OSError):  # the end of one way is the end of the connection: HTTP has no use for half of one
        target.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        source.shutdown(socket.SHUT_RDWR)


def _connected(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection
