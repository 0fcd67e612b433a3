"""One front end's process, from its start to its end, as the engine sees it."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress

from clipper_sls.adapters.frontends.connections import ConnectionSpreader
from clipper_sls.adapters.frontends.frontend_link import EngineServices, FrontendLink
from clipper_sls.adapters.frontends.messages import FrontendSetup, Registered

_log = logging.getLogger(__name__)

STDERR = 2
END_GRACE_S = 1.0
"""Between the end of a front end's channel and SIGKILL."""


class FrontendProcess:
    """Started by `spawn`; `run` returns when it is over. `changed` is called when `is_serving` may have become true."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        link: FrontendLink,
        takes: socket.socket,
        spreader: ConnectionSpreader,
    ) -> None:
        self._process = process
        self._takes = takes
        self._spreader = spreader
        self.link = link
        self.is_serving = False
        self.is_leaving = False
        self.served_since: float | None = None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def state(self) -> str:
        if self.is_leaving:
            return "leaving"
        return "serving" if self.is_serving else "starting"

    def serve(self, now: float) -> None:
        """Let it have connections."""
        self.is_serving, self.served_since = True, now
        self._spreader.add(self._takes)

    def leave(self) -> None:
        """Give it no more connections; it answers what it has been asked, and ends."""
        if not self.is_leaving:
            self.is_leaving = True
            self._spreader.remove(self._takes)
            with suppress(OSError):
                self._takes.shutdown(socket.SHUT_WR)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)

    async def run(self) -> int:
        """Returns its exit code, negative for a signal; when this is cancelled, it is killed."""
        try:
            return await self._process.wait()
        finally:
            self._spreader.remove(self._takes)
            self._takes.close()
            self.link.channel.close()
            if self._process.returncode is None:
                self.kill()


async def spawn(
    command: Sequence[str],
    *,
    lifeline_fd: int,
    services: EngineServices,
    changed: Callable[[], None],
    spreader: ConnectionSpreader,
    welcome: Callable[[], tuple[FrontendSetup, Registered]],
) -> FrontendProcess:
    """Start `command`, which gets three descriptors as arguments: channel, connections, lifeline. Raises OSError.

    Must run in the thread that lives as long as the engine, see `clipper_sls.runtime.lifeline`.
    """
    channel, channel_of_child = socket.socketpair()
    takes, takes_of_child = socket.socketpair()
    takes.setblocking(False)
    channel.setblocking(False)
    descriptors = (channel_of_child.fileno(), takes_of_child.fileno(), lifeline_fd)
    try:
        with channel_of_child, takes_of_child:
            process = await asyncio.create_subprocess_exec(
                *command,
                *map(str, descriptors),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=STDERR,  # standard output is the engine's alone
                stderr=STDERR,
                pass_fds=descriptors,
            )
    except BaseException:
        channel.close()
        takes.close()
        raise
    link = FrontendLink(services, changed)
    await asyncio.get_running_loop().create_unix_connection(lambda: link.channel, sock=channel)
    link.welcome(*welcome())
    return FrontendProcess(process, link, takes, spreader)
