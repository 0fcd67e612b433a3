"""The function pools of an engine, put together."""

import asyncio
from functools import partial
from pathlib import Path

from clipper_sls.adapters.engine import EngineLimits, FunctionPools
from clipper_sls.adapters.engine.environments import Environments
from clipper_sls.adapters.engine.launching import Launchers
from clipper_sls.adapters.engine.log_files import LogFolder
from clipper_sls.adapters.engine.process_launcher import ProcessLaunchers
from clipper_sls.adapters.local.storage_errors import translated
from clipper_sls.bootstrap.trust import trust
from clipper_sls.config import Settings
from clipper_sls.config.settings import Isolation
from clipper_sls.errors import InvalidSettingError
from clipper_sls.packaging.runtime_package import RUNTIME_REQUIREMENTS, stage_runtime
from clipper_sls.ports.bundle_store import BundleStore
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.metrics import Metrics


async def function_pools(settings: Settings, bundles: BundleStore, clock: Clock, metrics: Metrics) -> FunctionPools:
    """They host nothing yet. Raises StoreError, InvalidSettingError, ContainerEngineError."""
    launchers = await _LAUNCHERS[settings.isolation](settings, bundles)
    logs = LogFolder(settings.state_path / "logs")
    return FunctionPools(launchers=launchers, logs=logs, clock=clock, metrics=metrics, limits=_limits(settings))


async def _processes(settings: Settings, bundles: BundleStore) -> Launchers:
    folder = settings.state_path
    environments = Environments(
        folder=folder / "environments",
        bundles=bundles,
        runtime_path=await asyncio.to_thread(_staged_runtime, folder / "runtime"),
        runtime_requirements=RUNTIME_REQUIREMENTS,
        timeout_s=settings.environment_timeout_s,
        trust=partial(trust, settings),
    )
    return ProcessLaunchers(
        bundles=bundles,
        interpreters=environments,
        work_folder=folder / "work",
        memory_mib=settings.replica_memory_mib,
    )


async def _containers(settings: Settings, bundles: BundleStore) -> Launchers:
    try:
        from clipper_sls.bootstrap.containers import container_launchers
    except ModuleNotFoundError as error:
        raise InvalidSettingError(
            f"Replicas in containers need the package {error.name!r}. Try: pip install 'clipper-sls[docker]'"
        ) from error
    return await container_launchers(settings, bundles)


_LAUNCHERS = {Isolation.PROCESS: _processes, Isolation.CONTAINER: _containers}


def _limits(settings: Settings) -> EngineLimits:
    return EngineLimits(
        start_timeout_s=settings.start_timeout_s,
        function_timeout_s=settings.function_timeout_s,
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
