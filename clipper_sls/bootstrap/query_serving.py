"""Who answers the queries of an engine: the engine's own process, or front ends that share its replicas."""

import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Protocol

from starlette.types import ASGIApp

from clipper_sls.bootstrap.caches import cache_settings, prediction_cache
from clipper_sls.bootstrap.frontends import ServingByFrontends
from clipper_sls.bootstrap.query_ids import query_ids
from clipper_sls.config import Settings
from clipper_sls.domain.records import RegistrySnapshot
from clipper_sls.http.management.engine import FrontendStates
from clipper_sls.http.serve import HttpServers
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.metrics import Metrics
from clipper_sls.ports.model_invoker import ModelInvoker
from clipper_sls.ports.prediction_cache import PredictionCache
from clipper_sls.ports.registry import Registry


class QueryServing(Protocol):
    """What differs with who answers. Nobody does before `start`."""

    @property
    def is_serving(self) -> bool:
        """Whether, once started, anybody answers now."""
        ...

    @property
    def frontend_states(self) -> FrontendStates | None:
        """How each front end does, where there are any."""
        ...

    def registry(self, stored: Registry) -> Registry:
        """`stored`, but a commit returns only when queries are answered by it."""
        ...

    def cache(self, metrics: Metrics) -> PredictionCache | None:
        """For what the engine itself asks of its models. Raises InvalidSettingError."""
        ...

    def query_ids(self) -> Iterator[int]:
        """For what the engine itself answers."""
        ...

    def start(self, app: ASGIApp, snapshot: RegistrySnapshot, *, invoker: ModelInvoker, metrics: Metrics) -> None:
        """Let `app`, and whoever else there is, answer what comes to the listening socket; returns at once."""
        ...

    async def settled(self) -> None:
        """Return when everybody answers who shall. Raises EngineStartError when somebody does not in time."""
        ...

    async def close(self) -> None:
        """Answer what has been asked, and nothing more."""
        ...


class ServingHere:
    """This process answers all of them."""

    is_serving = True
    frontend_states: FrontendStates | None = None

    def __init__(self, settings: Settings, listener: socket.socket, clock: Clock, opened: AsyncExitStack) -> None:
        self._settings = settings
        self._listener = listener
        self._clock = clock
        self._opened = opened
        self._servers: HttpServers | None = None

    def registry(self, stored: Registry) -> Registry:
        return stored

    def cache(self, metrics: Metrics) -> PredictionCache | None:
        return prediction_cache(
            cache_settings(self._settings), clock=self._clock, metrics=metrics, opened=self._opened.push_async_callback
        )

    def query_ids(self) -> Iterator[int]:
        return query_ids(self._clock)

    def start(self, app: ASGIApp, snapshot: RegistrySnapshot, *, invoker: ModelInvoker, metrics: Metrics) -> None:
        self._servers = HttpServers([(app, self._listener)], drain_timeout_s=self._settings.drain_timeout_s)
        self._servers.start()

    async def settled(self) -> None:
        return

    async def close(self) -> None:
        if self._servers is not None:
            await self._servers.close()


def query_serving(settings: Settings, listener: socket.socket, clock: Clock, opened: AsyncExitStack) -> QueryServing:
    """Not started yet. What must be let go of at the end is given to `opened`; `close` comes before that."""
    serving = ServingByFrontends if settings.frontends > 1 else ServingHere
    return serving(settings, listener, clock, opened)
