"""The embedded engine, put together.

Order matters twice. Opening: the state directory is locked before anything in it is read, and sockets are bound before
any replica is started, so a second engine or a taken port fails at once and changes nothing. Closing: requests are
answered before replicas stop, and the state directory is let go last.
"""

import asyncio
import os
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from clipper_sls import __version__
from clipper_sls.adapters.engine import EngineLimits, FunctionPools
from clipper_sls.adapters.frontends.announced_registry import AnnouncedRegistry
from clipper_sls.adapters.frontends.frontends import Frontends
from clipper_sls.adapters.local.bundle_directory import BundleDirectory
from clipper_sls.adapters.local.metrics import LocalMetrics
from clipper_sls.adapters.local.sqlite_feedback import SqliteFeedbackLog
from clipper_sls.adapters.local.sqlite_registry import SqliteRegistry
from clipper_sls.adapters.local.state_directory import StateDirectory
from clipper_sls.adapters.local.storage_errors import translated
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.bootstrap.caches import check_remote_cache, prediction_cache
from clipper_sls.bootstrap.frontends import engines_frontends
from clipper_sls.bootstrap.query_ids import query_ids
from clipper_sls.config import Settings
from clipper_sls.domain.replicas import Health
from clipper_sls.http.in_process import InProcessForwarder
from clipper_sls.http.management import EngineInfo, create_management_app
from clipper_sls.http.predict import InputLimits
from clipper_sls.http.query_app import create_query_app
from clipper_sls.http.serve import HttpServers, listen, url_of
from clipper_sls.packaging.runtime_package import RUNTIME_REQUIREMENTS, stage_runtime
from clipper_sls.ports.prediction_cache import PredictionCache
from clipper_sls.service.applications import ApplicationService
from clipper_sls.service.feedback import FeedbackService
from clipper_sls.service.model_answers import ModelAnswers
from clipper_sls.service.models import ModelService
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
        self._frontends: Frontends | None = None  # one process needs none

    async def open(self) -> None:
        """Start everything; returns when what is registered is being served.

        Raises EngineRunningError, PortInUseError, InvalidSettingError or StoreError; call `close` all the same.
        """
        settings, state, opened = self._settings, self._state, self._opened
        state.lock()
        opened.callback(state.release)
        state.remove_ready_file()  # one that was killed could not
        query = listen(settings.host, settings.query_port, may_move=self._move_ports)
        opened.callback(query.close)
        management = listen(settings.host, settings.management_port, may_move=self._move_ports)
        opened.callback(management.close)
        clock = SystemClock()
        self.info = _info(settings, clock, url_of(query), url_of(management))
        metrics = LocalMetrics(clock=clock, chance=random.Random())  # noqa: S311 - a sample of latencies
        if settings.frontends > 1:
            self._frontends = engines_frontends(settings, query, clock, opened)
        self._pools, self._services = await self._assemble(clock, metrics)
        query_app = self._query_app(metrics)
        if self._frontends is not None:
            self._start_frontends(self._frontends, query_app, metrics)
        await self._services.models.resume_all()  # sweeps bundles, too, so before anybody can upload one
        served = [(self._management_app(), management)]
        if self._frontends is None:
            served.append((query_app, query))
        servers = HttpServers(served, drain_timeout_s=settings.drain_timeout_s)
        servers.start()
        opened.push_async_callback(self._stop_serving, servers)
        await self._pools.settled(settings.start_timeout_s)
        if self._frontends is not None:
            await self._frontends.settled()
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

    def _start_frontends(self, frontends: Frontends, query_app: ASGIApp, metrics: LocalMetrics) -> None:
        forwarder = InProcessForwarder(query_app, {"/metrics": frontends.collect})
        frontends.start(self._services.registry.snapshot, invoker=self._pools, forwarder=forwarder, metrics=metrics)
        self._opened.push_async_callback(frontends.close)

    async def _stop_serving(self, servers: HttpServers) -> None:
        """All at one time: who asks for predictions must not wait for who deploys."""
        if self._frontends is None:
            await servers.close()
        else:
            await asyncio.gather(servers.close(), self._frontends.close())

    async def _assemble(self, clock: SystemClock, metrics: LocalMetrics) -> tuple[FunctionPools, Services]:
        settings, path = self._settings, self._settings.state_path
        stored = await asyncio.to_thread(SqliteRegistry, path / DATABASE)
        self._opened.callback(stored.close)
        registry = stored if self._frontends is None else AnnouncedRegistry(stored, self._frontends.announce)
        feedback = await asyncio.to_thread(SqliteFeedbackLog, path / DATABASE)
        self._opened.callback(feedback.close)
        cache = self._cache(clock, metrics)
        bundles = BundleDirectory(path / "bundles", settings.max_bundle_bytes)
        pools = FunctionPools(
            state_dir=path,
            bundles=bundles,
            clock=clock,
            metrics=metrics,
            limits=_limits(settings),
            runtime_path=await asyncio.to_thread(_staged_runtime, path / "runtime"),
            runtime_requirements=RUNTIME_REQUIREMENTS,
        )
        self._opened.push_async_callback(pools.close)
        metrics.show(pools.pools)
        view = RegistryView(registry=registry, clock=clock)
        await view.load()
        answers = ModelAnswers(
            invoker=pools,
            cache=cache,
            clock=clock,
            metrics=metrics,
        )
        predictions = PredictionService(
            registry=view,
            answers=answers,
            clock=clock,
            metrics=metrics,
            query_ids=query_ids(clock, number=settings.frontends, count=settings.frontends + 1)
            if self._frontends is not None
            else query_ids(clock),
        )
        return pools, Services(
            registry=view,
            applications=ApplicationService(registry=view),
            models=ModelService(registry=view, host=pools, bundles=bundles, clock=clock),
            predictions=predictions,
            feedback=FeedbackService(log=feedback, clock=clock),
            host=pools,
            clock=clock,
        )

    def _cache(self, clock: SystemClock, metrics: LocalMetrics) -> PredictionCache | None:
        """Raises InvalidSettingError. Front ends have caches of their own."""
        settings = self._settings
        url = None if settings.cache_url is None else settings.cache_url.get_secret_value()
        if self._frontends is not None:
            if url is not None:
                check_remote_cache()  # here, where somebody reads the error
            return None
        return prediction_cache(
            size_bytes=settings.cache_size_bytes,
            url=url,
            timeout_s=settings.cache_timeout_ms / 1000,
            namespace=settings.cluster_name,
            clock=clock,
            metrics=metrics,
            opened=self._opened.push_async_callback,
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
            frontends=None if self._frontends is None else self._frontends.status,
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
            for pool in self._pools.pools()
            if pool.health in (Health.STARTING, Health.DEGRADED, Health.UNHEALTHY)
        }
        is_answering = self._frontends is None or self._frontends.is_serving
        return {"ready": self._is_settled and is_answering, "unwell": unwell}


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


def _limits(settings: Settings) -> EngineLimits:
    return EngineLimits(
        start_timeout_s=settings.start_timeout_s,
        function_timeout_s=settings.function_timeout_s,
        environment_timeout_s=settings.environment_timeout_s,
        idle_limit_s=settings.idle_limit_s,
        drain_timeout_s=settings.drain_timeout_s,
        max_replicas=settings.max_replicas,
        replica_memory_mib=settings.replica_memory_mib,
        replica_log_bytes=settings.replica_log_bytes,
        max_queued_rows=settings.max_queued_rows,
    )


def _staged_runtime(folder: Path) -> Path:
    with translated(folder):
        return stage_runtime(folder)
