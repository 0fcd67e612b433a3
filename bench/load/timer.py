"""A timer finer than an event loop's millisecond: queries that arrive 0.1 ms apart are not sent as one bunch."""

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable

_MONOTONIC = 1
_NONBLOCKING = os.O_NONBLOCK


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("interval", _TimeSpec), ("value", _TimeSpec))


class Timer:
    """Calls `callback` once after each `start`. Only Linux has a timerfd; elsewhere it is the loop's own timer."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._file = -1
        if sys.platform == "linux":
            self._library = ctypes.CDLL(None, use_errno=True)
            self._file = self._library.timerfd_create(_MONOTONIC, _NONBLOCKING)
        if self._file >= 0:
            loop.add_reader(self._file, self._expired)

    def start(self, seconds: float) -> None:
        if self._file < 0:
            self._loop.call_later(max(seconds, 0.001), self._callback)
            return
        nanoseconds = max(int(seconds * 1e9), 1)
        spec = _TimerSpec(_TimeSpec(0, 0), _TimeSpec(*divmod(nanoseconds, 10**9)))
        self._library.timerfd_settime(self._file, 0, ctypes.byref(spec), None)

    def close(self) -> None:
        if self._file >= 0:
            self._loop.remove_reader(self._file)
            os.close(self._file)

    def _expired(self) -> None:
        try:
            os.read(self._file, 8)
        except BlockingIOError:
            return
        self._callback()
