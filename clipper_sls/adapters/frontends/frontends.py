"""All front ends of an engine: started, started again, told of changes, counted, ended."""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from clipper_sls.adapters.frontends.connections import ConnectionSpreader
from clipper_sls.adapters.frontends.frontend_link import EngineServices
from clipper_sls.adapters.frontends.frontend_process import END_GRACE_S, FrontendProcess, spawn
from clipper_sls.adapters.frontends.messages import FrontendSetup, registered
from clipper_sls.domain.records import RegistrySnapshot
from clipper_sls.domain.replicas import crashes_after, restart_delay_s
from clipper_sls.errors import EngineStartError
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.metrics import Metrics
from clipper_sls.ports.model_invoker import ModelInvoker
from clipper_sls.ports.request_forwarder import RequestForwarder

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FrontendLimits:
    """Units are in the names."""

    start_timeout_s: float = 60.0
    drain_timeout_s: float = 10.0
    drain_grace_s: float = 5.0  # beyond it, before SIGKILL
    acknowledge_timeout_s: float = 5.0  # to answer by a new registry; then SIGKILL
    report_timeout_s: float = 1.0  # to say what was counted, when somebody looks


class Frontends:
    """`command` starts a front end, see `frontend_process.spawn`; `setup` is what the one of a number is told."""

    def __init__(
        self,
        command: Sequence[str],
        setup: Callable[[int], FrontendSetup],
        *,
        count: int,
        listener: socket.socket,
        lifeline_fd: int,
        clock: Clock,
        limits: FrontendLimits,
    ) -> None:
        self._command = command
        self._setup = setup
        self._count = count
        self._lifeline_fd = lifeline_fd
        self._clock = clock
        self._limits = limits
        self._spreader = ConnectionSpreader(listener)
        self._live: dict[int, FrontendProcess] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._newest = RegistrySnapshot()
        self._have_served: dict[int, asyncio.Event] = {number: asyncio.Event() for number in range(count)}
        self._is_closing = False
        self._services: EngineServices | None = None

    def start(
        self, snapshot: RegistrySnapshot, *, invoker: ModelInvoker, forwarder: RequestForwarder, metrics: Metrics
    ) -> None:
        """Start all of them at once; returns before they are there."""
        self._newest = snapshot
        self._services = EngineServices(invoker, forwarder, metrics, lambda: self._newest)
        self._keepers = [asyncio.create_task(self._keep(number)) for number in range(self._count)]

    async def settled(self) -> None:
        """Return when each of them serves. Raises EngineStartError when one does not in time."""
        try:
            async with asyncio.timeout(self._limits.start_timeout_s):
                for served in self._have_served.values():
                    await served.wait()
        except TimeoutError:
            raise EngineStartError(
                f"Of {self._count} front ends, some did not get ready within {self._limits.start_timeout_s:g} s; the "
                "engine's log says why"
            ) from None

    @property
    def is_serving(self) -> bool:
        """Whether anybody answers queries."""
        return any(process.is_serving and not process.is_leaving for process in self._live.values())

    def status(self) -> list[dict[str, Any]]:
        """Of those that have a process, for people."""
        return [{"number": number, "pid": live.pid, "state": live.state} for number, live in sorted(self._live.items())]

    async def announce(self, snapshot: RegistrySnapshot) -> None:
        """Returns when every front end answers by `snapshot` or a newer one; who does not in time is killed."""
        if snapshot.revision > self._newest.revision:
            self._newest = snapshot
        message = registered(snapshot)
        told = {process.link.tell(message): process for process in self._live.values()}
        asked = [acknowledged for acknowledged, process in told.items() if process.is_serving]
        if not asked:
            return
        _, silent = await asyncio.wait(asked, timeout=self._limits.acknowledge_timeout_s)
        for acknowledged in silent:
            process = told[acknowledged]
            _log.error("Front end with process %d does not take up what is registered; killing it", process.pid)
            process.kill()

    async def collect(self) -> None:
        """Returns when what front ends have counted by now has been added up, as far as they say so in time."""
        reported = [process.link.collect() for process in self._live.values() if process.is_serving]
        if reported:
            await asyncio.wait(reported, timeout=self._limits.report_timeout_s)

    async def close(self) -> None:
        """Accept nothing more, let what was asked be answered, and leave no process behind."""
        self._is_closing = True
        for process in self._live.values():
            process.leave()
            if not process.is_serving:
                process.kill()
        self._spreader.stop()
        limit_s = self._limits.drain_timeout_s + self._limits.drain_grace_s
        ending = [keeper for number, keeper in enumerate(self._keepers) if number in self._live]
        if ending:
            await asyncio.wait(ending, timeout=limit_s)
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    async def _keep(self, number: int) -> None:
        """Start it, again and again; the task's entry point."""
        crashes = 0
        while True:
            try:
                served_for_s, how = await self._live_once(number)
            except OSError as error:
                served_for_s, how = None, f"could not be started: {error}"
            if self._is_closing:
                return
            crashes = 0 if how is None else crashes_after(crashes, served_for_s)
            delay_s = restart_delay_s(crashes)
            _log.warning("Front end %d %s; starting it again in %.1f s", number, how or "left", delay_s)
            await self._clock.sleep_until(self._clock.now() + delay_s)

    async def _live_once(self, number: int) -> tuple[float | None, str | None]:
        """How long it has served, and why it ended; None when it left of itself."""
        assert self._services is not None
        process = await spawn(
            self._command,
            lifeline_fd=self._lifeline_fd,
            services=self._services,
            changed=lambda: self._changed(number),
            spreader=self._spreader,
            welcome=lambda: (self._setup(number), registered(self._newest)),
        )
        self._live[number] = process
        overdue = asyncio.get_running_loop().call_later(self._limits.start_timeout_s, _kill_if_starting, process)
        if self._is_closing:
            process.kill()
        try:
            code = await process.run()
        finally:
            overdue.cancel()
            del self._live[number]
        now = self._clock.now()
        served_for_s = None if process.served_since is None else now - process.served_since
        return served_for_s, None if process.is_leaving and code == 0 else f"ended with code {code}"

    def _changed(self, number: int) -> None:
        """It got ready, has taken up a registry, wants to leave, or its channel has ended."""
        process = self._live.get(number)
        if process is None:
            return
        link = process.link
        if link.channel.is_lost:
            process.leave()
            asyncio.get_running_loop().call_later(END_GRACE_S, process.kill)
        elif link.is_leaving:
            process.leave()
        elif link.is_ready and not process.is_serving and link.revision >= self._newest.revision:
            process.serve(self._clock.now())
            self._have_served[number].set()


def _kill_if_starting(process: FrontendProcess) -> None:
    if not process.is_serving:
        _log.error("Front end with process %d did not get ready in time; killing it", process.pid)
        process.kill()
