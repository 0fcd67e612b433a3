"""A replica that runs in a container."""

import asyncio
import logging
import os
import shutil
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from docker.errors import APIError, DockerException
from requests.exceptions import RequestException

_log = logging.getLogger(__name__)
_BY_SIGNAL = 128
_GONE = (DockerException, RequestException, OSError)


class RunningContainer:
    """Follows a container to its end in a thread of its own, and removes it, and `socket_folder`, then.

    What it prints goes to `log_fd`, which is closed at the end. `orders` runs what blocks for a moment.
    """

    def __init__(self, container: Any, *, log_fd: int, socket_folder: Path, memory_mib: int, orders: Executor) -> None:
        self._container = container
        self._log_fd = log_fd
        self._socket_folder = socket_folder
        self._memory_mib = memory_mib
        self._orders = orders
        loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[str] = loop.create_future()
        self.pid: int | None = None
        threading.Thread(target=self._follow, args=(loop,), name=f"container {container.short_id}", daemon=True).start()

    @property
    def has_ended(self) -> bool:
        return self._ended.done()

    async def wait(self) -> str:
        return await asyncio.shield(self._ended)

    def terminate(self) -> None:
        self._order(lambda: self._container.kill("SIGTERM"))

    def kill(self) -> None:
        if not self.has_ended:
            self._order(self._container.kill)

    def occupied_bytes(self) -> int:
        """The kernel watches: it ends a container that uses more than its limit."""
        return 0

    def _order(self, order: Callable[[], object]) -> None:
        def attempt() -> None:
            with suppress(APIError):  # it has ended
                order()

        with suppress(RuntimeError):  # nobody takes orders any more, and the container is being removed
            self._orders.submit(attempt)

    def _follow(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            story = self._story()
        except _GONE as error:
            story = f"was lost: the Docker engine said {error}"
        finally:
            os.close(self._log_fd)
            shutil.rmtree(self._socket_folder, ignore_errors=True)
        with suppress(*_GONE):
            self._container.remove(force=True, v=True)
        with suppress(RuntimeError):  # the engine has ended before
            loop.call_soon_threadsafe(self._end, story)

    def _end(self, story: str) -> None:
        if not self._ended.done():
            self._ended.set_result(story)

    def _story(self) -> str:
        self._container.reload()
        self.pid = self._container.attrs["State"]["Pid"] or None
        with closing(self._container.logs(stream=True, follow=True)) as printed:
            for chunk in printed:
                self._write(chunk)
        code = self._container.wait()["StatusCode"]
        self._container.reload()
        if not self._container.attrs["State"]["OOMKilled"]:
            return _ending(code)
        story = f"used more than its memory limit of {self._memory_mib} MiB and was killed"
        self._write(f"\n[clipper-sls] it {story}\n".encode())
        return story

    def _write(self, content: bytes) -> None:
        """A full disk loses the log and nothing else."""
        with suppress(OSError):
            while content:
                content = content[os.write(self._log_fd, content) :]


def _ending(code: int) -> str:
    """Processes that end by a signal end a container with 128 and the signal's number."""
    try:
        return f"ended with signal {signal.Signals(code - _BY_SIGNAL).name}"
    except ValueError:
        return f"ended with exit code {code}"
