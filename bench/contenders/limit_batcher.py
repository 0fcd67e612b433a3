"""Batches by hand, and one process for the model: MessagePack frames, each with its length first, over a socket pair.

Whatever waits is sent, at most 64 rows of it, as soon as the process is idle; nothing waits for a batch to fill.
"""

import asyncio
import os
import socket
import struct
import subprocess
import sys
from collections import deque
from typing import Self, cast

import msgspec

from bench.contenders.served import load_model
from bench.workloads import MAX_BATCH

_encode = msgspec.msgpack.Encoder().encode
_decode_rows = msgspec.msgpack.Decoder(list[list[float]]).decode
_decode_outputs = msgspec.msgpack.Decoder(list[float]).decode
_LENGTH = struct.Struct("<I")


class Batcher(asyncio.Protocol):
    """The server's end. Futures that are submitted get their own row's output."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[list[float], asyncio.Future[float]]] = deque()
        self._asked: list[asyncio.Future[float]] = []
        self._received = bytearray()
        self._is_busy = False

    @classmethod
    async def start(cls) -> Self:
        ours, theirs = socket.socketpair()
        _start_worker(theirs.fileno())
        theirs.close()
        _, batcher = await asyncio.get_running_loop().create_connection(cls, sock=ours)
        return batcher

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def close(self) -> None:
        """The process ends when nobody is at the other end."""
        self._transport.close()

    def submit(self, row: list[float], answered: "asyncio.Future[float]") -> None:
        self._waiting.append((row, answered))
        if not self._is_busy:
            self._is_busy = True
            asyncio.get_running_loop().call_soon(self._send)  # rows that came in together go together

    def data_received(self, data: bytes) -> None:
        self._received += data
        if len(self._received) < _LENGTH.size:
            return
        end = _LENGTH.size + _LENGTH.unpack_from(self._received)[0]
        if len(self._received) < end:
            return
        outputs = _decode_outputs(memoryview(self._received)[_LENGTH.size : end])
        answered, self._received = self._asked, bytearray()
        self._send()  # first: the model has work while answers are written
        for future, output in zip(answered, outputs, strict=True):
            if not future.done():  # its client may have gone
                future.set_result(output)

    def _send(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_BATCH))]
        self._is_busy = bool(batch)
        self._asked = [future for _, future in batch]
        if batch:
            frame = _encode([row for row, _ in batch])
            self._transport.write(_LENGTH.pack(len(frame)) + frame)


def _start_worker(descriptor: int) -> None:
    subprocess.Popen([sys.executable, "-m", __name__, str(descriptor)], pass_fds=[descriptor])


def work(descriptor: int) -> None:
    """The model's process: a frame in, a frame out."""
    model = load_model()
    with socket.socket(fileno=descriptor) as connection, connection.makefile("rb") as frames:
        while len(head := frames.read(_LENGTH.size)) == _LENGTH.size:
            outputs = _encode(model(_decode_rows(frames.read(_LENGTH.unpack(head)[0]))))
            connection.sendall(_LENGTH.pack(len(outputs)) + outputs)
    os._exit(0)  # quickly; there is nothing to tidy up


if __name__ == "__main__":
    work(int(sys.argv[1]))
