"""Both ends of the channel between an engine and a front end, in one process, over real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from clipper_sls.adapters.frontends.engine_link import EngineLink
from clipper_sls.adapters.frontends.frontend_link import EngineServices, FrontendLink
from clipper_sls.adapters.frontends.reported_metrics import ReportedMetrics
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.domain.records import RegistrySnapshot
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.model_invoker import ModelInvoker
from clipper_sls.ports.request_forwarder import WholeAnswer, WholeRequest
from clipper_sls.testing.fakes import FakeInvoker, RecordingMetrics


@dataclass
class FakeForwarder:
    """Answers with the request's own body; "/gone" is answered by nobody."""

    asked: list[WholeRequest] = field(default_factory=list)

    async def forward(self, request: WholeRequest) -> WholeAnswer:
        self.asked.append(request)
        if request.path == "/gone":
            raise StoreUnavailableError("Nobody is there")
        return WholeAnswer(200, request.headers, request.body)


@dataclass
class Linked:
    """`engine` is the front end's link to the engine, `frontend` the engine's link to the front end."""

    engine: EngineLink
    frontend: FrontendLink
    metrics: ReportedMetrics  # of the front end
    added_up: RecordingMetrics  # in the engine
    forwarder: FakeForwarder
    told: list[RegistrySnapshot]  # the front end
    changes: list[bool] = field(default_factory=list)  # of the link in the engine


@asynccontextmanager
async def linked(
    invoker: ModelInvoker | None = None,
    registry: RegistrySnapshot | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Linked]:
    """The engine asks `invoker`, and knows the versions of `registry`."""
    snapshot = registry or RegistrySnapshot()
    metrics, added_up, forwarder = ReportedMetrics(), RecordingMetrics(), FakeForwarder()
    services = EngineServices(invoker or FakeInvoker(), forwarder, added_up, lambda: snapshot)
    told: list[RegistrySnapshot] = []
    changes: list[bool] = []
    frontend = FrontendLink(services, lambda: changes.append(True))
    engine = EngineLink(clock=clock or SystemClock(), metrics=metrics, registered=told.append, gone=lambda: None)
    ours, theirs = socket.socketpair()
    loop = asyncio.get_running_loop()
    for end, channel in ((ours, frontend.channel), (theirs, engine.channel)):
        end.setblocking(False)
        await loop.create_unix_connection(lambda channel=channel: channel, sock=end)  # type: ignore[misc]
    try:
        yield Linked(engine, frontend, metrics, added_up, forwarder, told, changes)
    finally:
        engine.channel.close()
        frontend.channel.close()
        while not (engine.channel.is_lost and frontend.channel.is_lost):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0)
