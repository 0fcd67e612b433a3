"""The embedded engine, put together: the only place that knows concrete classes.

Order matters twice. Opening: the state directory is locked before anything in it is read, and sockets are bound before
any replica is started, so a second engine or a taken port fails at once and changes nothing. Closing: requests are
answered before replicas stop, and the state directory is let go last.
"""

import asyncio
import itertools
import os
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from clipper_sls import __version__
from clipper_sls.adapters.engine import EngineLimits, FunctionPools
from clipper_sls.adapters.local.bundle_directory import BundleDirectory
from clipper_sls.adapters.local.memory_cache import MemoryPredictionCache
from clipper_sls.adapters.local.metrics import LocalMetrics
from clipper_sls.adapters.local.sqlite_feedback import SqliteFeedbackLog
from clipper_sls.adapters.local.sqlite_registry import SqliteRegistry
from clipper_sls.adapters.local.state_directory import StateDirectory
from clipper_sls.adapters.local.storage_errors import translated
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.adapters.local.tiered_cache import TieredPredictionCache
from clipper_sls.config import Settings
from clipper_sls.domain.replicas import Health
from clipper_sls.errors import InvalidSettingError
from clipper_sls.http.management import EngineInfo, create_management_app
from clipper_sls.http.predict import InputLimits
from clipper_sls.http.query_app import create_query_app
from clipper_sls.http.serve import HttpServers, listen, url_of
from clipper_sls.packaging.runtime_package import RUNTIME_REQUIREMENTS, stage_runtime
from clipper_sls.ports.prediction_cache import PredictionCache, RemotePredictionCache
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
        self._pools, self._services = await self._assemble(clock, metrics)
        await self._services.models.resume_all()  # sweeps bundles, too, so before anybody can upload one
        servers = HttpServers(
            ((self._query_app(metrics), query), (self._management_app(), management)),
            drain_timeout_s=settings.drain_timeout_s,
        )
        servers.start()
        opened.push_async_callback(servers.close)
        await self._pools.settled(settings.start_timeout_s)
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

    async def _assemble(self, clock: SystemClock, metrics: LocalMetrics) -> tuple[FunctionPools, Services]:
        settings, path = self._settings, self._settings.state_path
        registry = await asyncio.to_thread(SqliteRegistry, path / DATABASE)
        self._opened.callback(registry.close)
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
            query_ids=itertools.count(_first_query_id(clock)),
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
        """None when there is to be none. Raises InvalidSettingError; a server that is away raises nothing."""
        settings = self._settings
        near = MemoryPredictionCache(settings.cache_size_bytes, clock=clock, evicted=metrics.cache_evicted)
        if settings.cache_url is None:
            return near if settings.cache_size_bytes else None
        remote = _remote_cache(
            settings.cache_url.get_secret_value(), settings.cluster_name, clock, settings.cache_timeout_ms / 1000
        )
        tiers = TieredPredictionCache(near, remote, clock=clock, metrics=metrics)
        self._opened.push_async_callback(tiers.close)
        return tiers

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
        return {"ready": self._is_settled, "unwell": unwell}


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


def _remote_cache(url: str, namespace: str, clock: SystemClock, limit_s: float) -> RemotePredictionCache:
    try:
        from clipper_sls.adapters.redis.connecting import client, place
        from clipper_sls.adapters.redis.prediction_cache import RedisPredictionCache
    except ImportError as error:
        raise InvalidSettingError(
            f"setting 'cache_url' needs a package that is not installed ({error}): pip install 'clipper-sls[redis]'"
        ) from error
    cache = RedisPredictionCache(
        client(url, limit_s), name=f"at {place(url)}", namespace=namespace, clock=clock, limit_s=limit_s
    )
    cache.warm_up()
    return cache


def _staged_runtime(folder: Path) -> Path:
    with translated(folder):
        return stage_runtime(folder)


def _first_query_id(clock: SystemClock) -> int:
    """Ids of one engine do not come again after a restart: a million for every second, within JavaScript's 53 bits."""
    return int(clock.wall()) << 20
