"""The function pools of an engine, put together."""

import asyncio
from pathlib import Path

from clipper_sls.adapters.engine import EngineLimits, FunctionPools
from clipper_sls.adapters.engine.environments import Environments
from clipper_sls.adapters.engine.log_files import LogFolder
from clipper_sls.adapters.engine.process_launcher import ProcessLaunchers
from clipper_sls.adapters.local.storage_errors import translated
from clipper_sls.config import Settings
from clipper_sls.packaging.runtime_package import RUNTIME_REQUIREMENTS, stage_runtime
from clipper_sls.ports.bundle_store import BundleStore
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.metrics import Metrics


async def function_pools(settings: Settings, bundles: BundleStore, clock: Clock, metrics: Metrics) -> FunctionPools:
    """They host nothing yet. Raises StoreError."""
    folder = settings.state_path
    environments = Environments(
        bundles=bundles,
        folder=folder / "environments",
        runtime_path=await asyncio.to_thread(_staged_runtime, folder / "runtime"),
        runtime_requirements=RUNTIME_REQUIREMENTS,
        timeout_s=settings.environment_timeout_s,
    )
    launchers = ProcessLaunchers(
        bundles=bundles,
        interpreters=environments,
        work_folder=folder / "work",
        memory_mib=settings.replica_memory_mib,
    )
    return FunctionPools(
        launchers=launchers, logs=LogFolder(folder / "logs"), clock=clock, metrics=metrics, limits=_limits(settings)
    )


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
