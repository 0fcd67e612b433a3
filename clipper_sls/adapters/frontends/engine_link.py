"""A front end's side of its channel to the engine."""

import asyncio
import itertools
from collections.abc import Callable

from clipper_sls.adapters.frontends.channel import Channel
from clipper_sls.adapters.frontends.forwarder import EngineForwarder
from clipper_sls.adapters.frontends.invoker import EngineInvoker
from clipper_sls.adapters.frontends.messages import (
    FROM_ENGINE,
    Acknowledged,
    Answered,
    CameLate,
    Collect,
    FromEngine,
    FrontendSetup,
    HandedBack,
    Leaving,
    Ready,
    Registered,
    Report,
    Reported,
    Welcome,
    snapshot_of,
)
from clipper_sls.adapters.frontends.reported_metrics import ReportedMetrics
from clipper_sls.domain.records import RegistrySnapshot
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.ports.clock import Clock


class EngineLink:
    """`registered` is called with each snapshot, and must make it the one that queries see; `gone` when the engine is.

    `metrics` are reported whenever the engine asks, and by `report`.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        metrics: ReportedMetrics,
        registered: Callable[[RegistrySnapshot], object],
        gone: Callable[[], None],
    ) -> None:
        calls = itertools.count(1)
        self.channel = Channel(FROM_ENGINE, self._received, self._lost)
        self.invoker = EngineInvoker(self.channel, clock=clock, calls=calls)
        self.forwarder = EngineForwarder(self.channel, calls=calls)
        self._setup: asyncio.Future[FrontendSetup] = asyncio.get_running_loop().create_future()
        self._metrics = metrics
        self._registered = registered
        self._gone = gone
        self._doers: dict[type, Callable[..., None]] = {
            Welcome: self._welcomed,
            Registered: self._told,
            Answered: self.invoker.answered,
            CameLate: self.invoker.came_late,
            HandedBack: self.forwarder.handed_back,
            Collect: self._collect,
        }

    async def setup(self) -> FrontendSetup:
        """What the engine says first. Raises StoreUnavailableError when it goes away instead."""
        return await self._setup

    def ready(self) -> None:
        """Connections may come."""
        self.channel.send(Ready())

    def leave(self) -> None:
        """Ask for no more connections."""
        self.channel.send(Leaving())

    def report(self) -> None:
        """Tell what was counted, if anything was."""
        report = self._metrics.report()
        if report is not None:
            self.channel.send(Reported(0, report))

    def _received(self, message: FromEngine) -> None:
        self._doers[type(message)](message)

    def _welcomed(self, message: Welcome) -> None:
        if not self._setup.done():
            self._setup.set_result(message.setup)

    def _told(self, message: Registered) -> None:
        self._registered(snapshot_of(message))
        self.channel.send(Acknowledged(message.revision))

    def _collect(self, message: Collect) -> None:
        self.channel.send(Reported(message.number, self._metrics.report() or Report()))

    def _lost(self) -> None:
        self.invoker.lost()
        self.forwarder.lost()
        if not self._setup.done():
            self._setup.set_exception(StoreUnavailableError("The engine went away before it had said what to do"))
            self._setup.exception()  # it is no loss when nobody waits for it any more
        self._gone()
