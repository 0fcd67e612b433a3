"""gzip without a time and without a name, so that equal input gives equal output (RFC 1952, RFC 1951).

Two ways. *Deflated* bytes are zlib's choice: zlib-ng, which some builds of Python have in its place, and perhaps
another release of zlib, choose differently. Then a layer has another digest and the same content (its `diff_id`), and
is pushed once more. *Stored* bytes are as they are, framed here by hand, the same with every zlib, at the speed of a
checksum: for weights, which are noise to a compressor.
"""

import zlib
from collections.abc import Iterator
from typing import Protocol

LEVEL = 6
_GZIP_WINDOW = 31  # zlib's word for: gzip header, largest window
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"  # deflate, no fields, no time, no level told, Unix
_MAX_BLOCK_BYTES = 0xFFFF
_LAST_EMPTY_BLOCK = b"\x01\x00\x00\xff\xff"
_32_BITS = 0xFFFFFFFF


class Compressor(Protocol):
    """As zlib's; the first call gives the header."""

    def compress(self, chunk: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


def deflated() -> Compressor:
    return zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP_WINDOW)


class StoredGzip:
    """gzip that compresses nothing."""

    def __init__(self) -> None:
        self._begun = False
        self._checksum = 0
        self._size_bytes = 0

    def compress(self, chunk: bytes, /) -> bytes:
        self._checksum = zlib.crc32(chunk, self._checksum)
        self._size_bytes += len(chunk)
        return self._header() + b"".join(_blocks(chunk))

    def flush(self) -> bytes:
        ending = [self._checksum, self._size_bytes & _32_BITS]
        return self._header() + _LAST_EMPTY_BLOCK + b"".join(value.to_bytes(4, "little") for value in ending)

    def _header(self) -> bytes:
        begun, self._begun = self._begun, True
        return b"" if begun else _HEADER


def _blocks(chunk: bytes) -> Iterator[bytes]:
    """RFC 1951, 3.2.4: not the last, stored; length and its complement; the bytes."""
    for start in range(0, len(chunk), _MAX_BLOCK_BYTES):
        block = chunk[start : start + _MAX_BLOCK_BYTES]
        yield b"\x00" + len(block).to_bytes(2, "little") + (len(block) ^ 0xFFFF).to_bytes(2, "little")
        yield block
