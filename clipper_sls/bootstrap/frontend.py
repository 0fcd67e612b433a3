"""One front end, put together: `python -m clipper_sls.bootstrap.frontend CHANNEL CONNECTIONS LIFELINE`.

The arguments are file descriptors that the engine made. It ends when the engine does, or lets no more connections come.
"""

import asyncio
import logging
import os
import random
import signal
import socket
import sys
from contextlib import AsyncExitStack

import uvloop
from starlette.types import ASGIApp

from clipper_sls.adapters.frontends.connections import ConnectionReceiver
from clipper_sls.adapters.frontends.engine_link import EngineLink
from clipper_sls.adapters.frontends.messages import FrontendSetup
from clipper_sls.adapters.frontends.pushed_registry import PushedRegistry
from clipper_sls.adapters.frontends.reported_metrics import ReportedMetrics
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.bootstrap.caches import prediction_cache
from clipper_sls.bootstrap.garbage import spare_the_garbage_collector
from clipper_sls.bootstrap.query_ids import query_ids
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.http.frontend_app import create_frontend_app
from clipper_sls.http.predict import InputLimits
from clipper_sls.http.serve import ConnectionServer
from clipper_sls.runtime.lifeline import ORPHANED_EXIT_CODE, follow_parent
from clipper_sls.runtime.standard_streams import survive_full_disk
from clipper_sls.service.model_answers import ModelAnswers
from clipper_sls.service.predict import PredictionService
from clipper_sls.service.registry_view import RegistryView
from clipper_sls.service.services import PredictionServices

REPORT_INTERVAL_S = 1.0
"""What a front end that is killed has counted since its last report is lost."""


class Frontend:
    """`run` serves until the engine lets no more connections come, and everything is answered."""

    def __init__(self, channel: socket.socket, connections: socket.socket) -> None:
        self._channel = channel
        self._clock = SystemClock()
        self._metrics = ReportedMetrics()
        self._view = RegistryView(registry=PushedRegistry(), clock=self._clock)
        self._ended = asyncio.Event()
        self._link = EngineLink(
            clock=self._clock, metrics=self._metrics, registered=self._view.remember, gone=self._engine_is_gone
        )
        self._connections = connections
        self._is_over = False

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: self._link.channel, sock=self._channel)
        loop.add_signal_handler(signal.SIGTERM, self._link.leave)
        async with AsyncExitStack() as opened:
            setup = await self._link.setup()
            server = ConnectionServer(self._app(setup, opened), drain_timeout_s=setup.drain_timeout_s)
            await server.start()
            ConnectionReceiver(self._connections, server.serve, self._ended.set).start()
            spare_the_garbage_collector()
            reporting = asyncio.create_task(self._keep_reporting())
            self._link.ready()
            await self._ended.wait()
            await server.close()
            reporting.cancel()
        self._is_over = True
        self._link.report()
        self._link.channel.close()

    def _app(self, setup: FrontendSetup, opened: AsyncExitStack) -> ASGIApp:
        cache = prediction_cache(
            setup.cache, clock=self._clock, metrics=self._metrics, opened=opened.push_async_callback
        )
        answers = ModelAnswers(invoker=self._link.invoker, cache=cache, clock=self._clock, metrics=self._metrics)
        predictions = PredictionService(
            registry=self._view,
            answers=answers,
            clock=self._clock,
            metrics=self._metrics,
            query_ids=query_ids(self._clock, number=setup.number, count=setup.count + 1),
            chance=random.Random().random,  # noqa: S311 - who gets a canary
        )
        return create_frontend_app(
            PredictionServices(self._view, predictions, self._clock),
            limits=InputLimits(setup.max_body_bytes, setup.max_batch_rows),
            model_slo_s=setup.model_slo_s,
            forwarder=self._link.forwarder,
        )

    async def _keep_reporting(self) -> None:
        while True:
            await self._clock.sleep_until(self._clock.now() + REPORT_INTERVAL_S)
            self._link.report()

    def _engine_is_gone(self) -> None:
        """There is nobody to ask: answer what waits with that, then end."""
        if not self._is_over:
            self._ended.set()


def main(channel_fd: int, connections_fd: int, lifeline_fd: str) -> int:
    survive_full_disk()
    logging.basicConfig(level=logging.INFO, format=f"front end {os.getpid()}: %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole process group; the engine ends front ends
    follow_parent(lifeline_fd)
    with socket.socket(fileno=channel_fd) as channel, socket.socket(fileno=connections_fd) as connections:
        channel.setblocking(False)
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_run(channel, connections))
        except StoreUnavailableError:
            return ORPHANED_EXIT_CODE
    return 0


async def _run(channel: socket.socket, connections: socket.socket) -> None:
    await Frontend(channel, connections).run()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
