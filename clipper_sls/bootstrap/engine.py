"""The embedded engine, put together.

Order matters twice. Opening: the state directory is locked before anything in it is read, and sockets are bound before
any replica is started, so a second engine or a taken port fails at once and changes nothing. Closing: requests are
answered before replicas stop, and the state directory is let go last.
"""

import asyncio
import os
import random
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from clipper_sls import __version__
from clipper_sls.adapters.engine import FunctionPools
from clipper_sls.adapters.local.bundle_directory import BundleDirectory
from clipper_sls.adapters.local.metrics import LocalMetrics
from clipper_sls.adapters.local.sqlite_feedback import SqliteFeedbackLog
from clipper_sls.adapters.local.sqlite_registry import SqliteRegistry
from clipper_sls.adapters.local.state_directory import StateDirectory
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.adapters.remote.remote_models import RemoteModels
from clipper_sls.bootstrap.function_pools import function_pools
from clipper_sls.bootstrap.jobs import engine_jobs
from clipper_sls.bootstrap.query_serving import QueryServing, query_serving
from clipper_sls.bootstrap.trust import trust
from clipper_sls.config import Settings
from clipper_sls.domain.replicas import Health
from clipper_sls.http.management import EngineInfo, create_management_app
from clipper_sls.http.predict import InputLimits
from clipper_sls.http.query_app import create_query_app
from clipper_sls.http.serve import HttpServers, listen, url_of
from clipper_sls.service.applications import ApplicationService
from clipper_sls.service.feedback import FeedbackService
from clipper_sls.service.model_answers import ModelAnswers
from clipper_sls.service.models import ModelService
from clipper_sls.service.placed_models import PlacedModels
from clipper_sls.service.predict import PredictionService
from clipper_sls.service.registry_view import RegistryView
from clipper_sls.service.services import Services

DATABASE = "registry.sqlite3"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class EmbeddedEngine:
    """Query and management applications over function pools, in this process and its children.

    `on_shutdown` is called when somebody asks for the end over HTTP; whoever runs the engine then calls `close`.
    """

    info: EngineInfo

    def __init__(self, settings: Settings, *, move_ports: bool, on_shutdown: Callable[[], None]) -> None:
        self._settings = settings
        self._move_ports = move_ports
        self._on_shutdown = on_shutdown
        self._opened = AsyncExitStack()
        self._state = StateDirectory(settings.state_path, settings.cluster_name)
        self._is_settled = False

    async def open(self) -> None:
        """Start everything; returns when what is registered is being served.

        Raises EngineRunningError, PortInUseError, InvalidSettingError or StoreError; call `close` all the same.
        """
        settings, state, opened = self._settings, self._state, self._opened
        state.lock()
        opened.callback(state.release)
        state.remove_ready_file()  # one that was killed could not
        query, management = self._listen(settings.query_port), self._listen(settings.management_port)
        clock = SystemClock()
        self.info = _info(settings, clock, url_of(query), url_of(management))
        metrics = LocalMetrics(clock=clock, chance=random.Random())  # noqa: S311 - a sample of latencies
        self._serving = query_serving(settings, query, clock, opened)
        self._pools, self._models, self._services = await self._assemble(clock, metrics)
        await self._services.models.resume_all()  # sweeps bundles, too, so before anybody can upload one
        self._serve(management, metrics)
        await self._pools.settled(settings.start_timeout_s)
        await self._serving.settled()
        self._jobs.loop.start()
        self._is_settled = True
        opened.callback(state.remove_ready_file)
        state.write_ready_file(query=self.info.query, management=self.info.management)

    async def close(self) -> None:
        """Answer what is being asked, stop the replicas, let go of the state directory."""
        self._is_settled = False
        await self._opened.aclose()

    def announce(self, ready_file: Path) -> None:
        """Write the ready file once more, where a script expects it."""
        self._state.write_ready_file(query=self.info.query, management=self.info.management, path=ready_file)

    def _listen(self, port: int) -> socket.socket:
        listener = listen(self._settings.host, port, may_move=self._move_ports)
        self._opened.callback(listener.close)
        return listener

    def _serve(self, management: socket.socket, metrics: LocalMetrics) -> None:
        query_app = self._query_app(metrics)
        servers = HttpServers([(self._management_app(), management)], drain_timeout_s=self._settings.drain_timeout_s)
        self._serving.start(query_app, self._services.registry.snapshot, invoker=self._models, metrics=metrics)
        servers.start()
        self._opened.push_async_callback(_stop_serving, self._serving, servers)
        self._opened.callback(self._jobs.service.end_waits)  # before that

    async def _assemble(
        self, clock: SystemClock, metrics: LocalMetrics
    ) -> tuple[FunctionPools, PlacedModels, Services]:
        settings, serving, opened = self._settings, self._serving, self._opened
        path = settings.state_path
        stored = await asyncio.to_thread(SqliteRegistry, path / DATABASE)
        opened.callback(stored.close)
        feedback = await asyncio.to_thread(SqliteFeedbackLog, path / DATABASE)
        opened.callback(feedback.close)
        cache = serving.cache(metrics)
        bundles = BundleDirectory(path / "bundles", settings.max_bundle_bytes, partial(trust, settings))
        pools = await function_pools(settings, bundles, clock, metrics)
        opened.push_async_callback(pools.close)
        remote = RemoteModels(clock=clock, metrics=metrics, drain_timeout_s=settings.drain_timeout_s)
        opened.push_async_callback(remote.close)
        models = PlacedModels(here=pools, elsewhere=remote)
        metrics.show(models.pools)
        view = RegistryView(registry=serving.registry(stored), clock=clock)
        await view.load()
        answers = ModelAnswers(invoker=models, cache=cache, clock=clock, metrics=metrics)
        predictions = PredictionService(
            registry=view,
            answers=answers,
            clock=clock,
            metrics=metrics,
            query_ids=serving.query_ids(),
            chance=random.Random().random,  # noqa: S311 - who gets a canary
        )
        self._jobs = await engine_jobs(
            settings,
            path / DATABASE,
            registry=view,
            answers=answers,
            predictions=predictions,
            clock=clock,
            opened=opened,
        )
        return (
            pools,
            models,
            Services(
                registry=view,
                applications=ApplicationService(registry=view),
                models=ModelService(registry=view, host=models, bundles=bundles, clock=clock),
                predictions=predictions,
                feedback=FeedbackService(log=feedback, clock=clock),
                host=models,
                clock=clock,
                jobs=self._jobs.service,
                dead_letters=self._jobs.queue,
            ),
        )

    def _query_app(self, metrics: LocalMetrics) -> ASGIApp:
        settings = self._settings
        return create_query_app(
            self._services,
            limits=InputLimits(settings.max_body_bytes, settings.max_batch_rows),
            metrics=metrics,
            is_ready=self._readiness,
            model_slo_s=settings.model_slo_ms / 1000,
        )

    def _management_app(self) -> ASGIApp:
        return create_management_app(
            self._services,
            info=self.info,
            is_ready=self._readiness,
            shut_down=self._on_shutdown,
            max_bundle_bytes=self._settings.max_bundle_bytes,
            token=self._token(),
            frontends=self._serving.frontend_states,
        )

    def _token(self) -> str | None:
        """Set by hand, or made when anybody but this machine can reach the port."""
        if self._settings.management_token is not None:
            return self._settings.management_token.get_secret_value()
        return None if self._settings.host in LOOPBACK else self._state.management_token()

    def _readiness(self) -> dict[str, Any]:
        """Ready means: started, not ending, and every version was given its chance to start."""
        unwell = {
            str(pool.model): pool.health.value
            for pool in self._models.pools()
            if pool.health in (Health.STARTING, Health.DEGRADED, Health.UNHEALTHY)
        }
        return {"ready": self._is_settled and self._serving.is_serving, "unwell": unwell}


async def _stop_serving(serving: QueryServing, servers: HttpServers) -> None:
    """All at one time: who asks for predictions must not wait for who deploys."""
    await asyncio.gather(servers.close(), serving.close())


def _info(settings: Settings, clock: SystemClock, query: str, management: str) -> EngineInfo:
    return EngineInfo(
        version=__version__,
        pid=os.getpid(),
        cluster_name=settings.cluster_name,
        state_dir=str(settings.state_path),
        started_at=clock.wall(),
        query=query,
        management=management,
    )
