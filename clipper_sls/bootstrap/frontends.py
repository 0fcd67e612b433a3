"""The front ends of the embedded engine, put together on its side."""

import socket
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack

from starlette.types import ASGIApp

from clipper_sls.adapters.engine.lifeline import Lifeline
from clipper_sls.adapters.frontends.announced_registry import AnnouncedRegistry
from clipper_sls.adapters.frontends.frontends import FrontendLimits, Frontends
from clipper_sls.adapters.frontends.messages import FrontendSetup
from clipper_sls.bootstrap.caches import cache_settings
from clipper_sls.bootstrap.query_ids import query_ids
from clipper_sls.bootstrap.remote_caches import check_remote_cache
from clipper_sls.config import Settings
from clipper_sls.config.environment import environment
from clipper_sls.domain.records import RegistrySnapshot
from clipper_sls.http.in_process import InProcessForwarder
from clipper_sls.http.management.engine import FrontendStates
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.metrics import Metrics
from clipper_sls.ports.model_invoker import ModelInvoker
from clipper_sls.ports.prediction_cache import PredictionCache
from clipper_sls.ports.registry import Registry

COMMAND = (sys.executable, "-m", "clipper_sls.bootstrap.frontend")


class ServingByFrontends:
    """Front ends answer, the engine only what they hand to it. Whatever is left of them ends with `opened`."""

    def __init__(self, settings: Settings, listener: socket.socket, clock: Clock, opened: AsyncExitStack) -> None:
        lifeline = Lifeline()
        opened.callback(lifeline.cut)
        self._settings = settings
        self._clock = clock
        self._frontends = Frontends(
            COMMAND,
            lambda number: _setup(settings, number),
            count=settings.frontends,
            listener=listener,
            lifeline_fd=lifeline.read_fd,
            clock=clock,
            limits=FrontendLimits(start_timeout_s=settings.start_timeout_s, drain_timeout_s=settings.drain_timeout_s),
        )

    @property
    def is_serving(self) -> bool:
        return self._frontends.is_serving

    @property
    def frontend_states(self) -> FrontendStates:
        return self._frontends.status

    def registry(self, stored: Registry) -> Registry:
        return AnnouncedRegistry(stored, self._frontends.announce)

    def cache(self, metrics: Metrics) -> PredictionCache | None:
        """None: front ends have caches of their own."""
        if self._settings.cache_url is not None:
            check_remote_cache(
                self._settings.cache_url.get_secret_value(), environment()
            )  # here, where somebody reads the error
        return None

    def query_ids(self) -> Iterator[int]:
        count = self._settings.frontends
        return query_ids(self._clock, number=count, count=count + 1)

    def start(self, app: ASGIApp, snapshot: RegistrySnapshot, *, invoker: ModelInvoker, metrics: Metrics) -> None:
        forwarder = InProcessForwarder(app, {"/metrics": self._frontends.collect})
        self._frontends.start(snapshot, invoker=invoker, forwarder=forwarder, metrics=metrics)

    async def settled(self) -> None:
        await self._frontends.settled()

    async def close(self) -> None:
        await self._frontends.close()


def _setup(settings: Settings, number: int) -> FrontendSetup:
    return FrontendSetup(
        number=number,
        count=settings.frontends,
        cache=cache_settings(settings),
        max_body_bytes=settings.max_body_bytes,
        max_batch_rows=settings.max_batch_rows,
        model_slo_s=settings.model_slo_ms / 1000,
        drain_timeout_s=settings.drain_timeout_s,
    )
