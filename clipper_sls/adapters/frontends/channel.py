"""Messages over a socket: what is sent within one turn of the event loop goes as one frame, in one write."""

import asyncio
import logging
import struct
from collections.abc import Callable
from typing import Any, cast

import msgspec

_log = logging.getLogger(__name__)

HEAD = struct.Struct("!I")
"""A frame is its length in bytes, then a list of messages as MessagePack."""

MAX_UNSENT_BYTES = 64 * 1024 * 1024
"""With more than this waiting, the other side does not keep up, and `is_full`."""


def _as_text(value: object) -> str:
    """Names are subclasses of `str`, and msgspec leaves those to us."""
    if not isinstance(value, str):
        raise NotImplementedError(f"{type(value).__name__} cannot be sent")
    return str(value)


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_as_text)


class Channel(asyncio.Protocol):
    """One end. `received` is called with each message in order, `lost` once, when nothing more comes or goes.

    A message that cannot be read, or that `received` fails for, ends the channel: there is no next one to trust.
    """

    def __init__(
        self, decoder: msgspec.msgpack.Decoder[Any], received: Callable[[Any], None], lost: Callable[[], None]
    ) -> None:
        self._decoder = decoder
        self._received = received
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._unsent: list[Any] = []
        self._partial = bytearray()
        self.is_full = False
        self.is_lost = False

    def send(self, message: Any) -> None:
        """After the end of the channel nothing happens."""
        if self.is_lost:
            return
        self._unsent.append(message)
        if len(self._unsent) == 1:
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Send now what waits for the end of this turn."""
        if self._unsent and self._transport is not None and not self.is_lost:
            content = _ENCODER.encode(self._unsent)
            self._unsent.clear()
            self._transport.write(HEAD.pack(len(content)) + content)

    def close(self) -> None:
        """Send what waits, then end."""
        self.flush()
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclasses
        self._transport.set_write_buffer_limits(high=MAX_UNSENT_BYTES)
        self.flush()

    def pause_writing(self) -> None:
        self.is_full = True

    def resume_writing(self) -> None:
        self.is_full = False

    def connection_lost(self, error: Exception | None) -> None:
        self.is_lost = True
        self._unsent.clear()
        self._lost()

    def data_received(self, data: bytes) -> None:
        try:
            self._read(data)
        except Exception:
            _log.exception("A message between an engine and its front end could not be handled")
            assert self._transport is not None
            self._transport.abort()

    def _read(self, data: bytes) -> None:
        self._partial += data
        start, have = 0, len(self._partial)
        with memoryview(self._partial) as view:
            while have - start >= HEAD.size:
                end = start + HEAD.size + HEAD.unpack_from(view, start)[0]
                if end > have:
                    break
                for message in self._decoder.decode(view[start + HEAD.size : end]):
                    self._received(message)
                start = end
        del self._partial[:start]
