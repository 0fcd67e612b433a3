"""Lambda's data plane on this machine, put together."""

import asyncio
import os
import random
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from starlette.types import ASGIApp

from clipper_sls.adapters.engine.environments import Environments, host_python_path
from clipper_sls.adapters.engine.execution.code_folder import CodeFolder, Fetch
from clipper_sls.adapters.engine.execution.functions import LambdaFunctions
from clipper_sls.adapters.engine.execution.launchers import FunctionLaunchers, Surroundings
from clipper_sls.adapters.engine.execution.limits import ExecutionLimits
from clipper_sls.adapters.engine.log_files import LogFolder
from clipper_sls.adapters.engine.process_environment import host_variables
from clipper_sls.adapters.local.bundle_directory import BundleDirectory
from clipper_sls.adapters.local.storage_errors import translated
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.adapters.ministack.catalog import MiniStackCatalog
from clipper_sls.adapters.ministack.http import MiniStackHttp
from clipper_sls.bootstrap.trust import trust
from clipper_sls.config import Settings
from clipper_sls.http.aws_edge.app import create_aws_edge
from clipper_sls.packaging.runtime_package import RUNTIME_REQUIREMENTS, stage_runtime
from clipper_sls.ports.clock import Clock
from clipper_sls.service.local_lambda import LocalLambda


@dataclass(frozen=True, slots=True)
class FunctionPlaces:
    """Where functions are run, and with what."""

    folder: Path  # of environments, code, logs
    image_folder: Path  # of the bundles that stand for images
    region: str
    variables: Mapping[str, str] = field(default_factory=dict)  # that every function gets: endpoints, credentials


async def lambda_edge(
    settings: Settings, places: FunctionPlaces, server: MiniStackHttp, opened: AsyncExitStack
) -> tuple[ASGIApp, LocalLambda]:
    """The application of `http.aws_edge` before `server`, and the data plane behind it.

    What it starts ends with `opened`. Raises StoreError.
    """
    clock = SystemClock()
    functions = await running_functions(settings, places, server.fetch, clock)
    opened.callback(functions.launchers.close)
    opened.push_async_callback(functions.runner.close)
    catalog = MiniStackCatalog(server, clock)
    chance = random.Random()  # noqa: S311 - draws among versions of an alias
    plane = LocalLambda(catalog=catalog, runner=functions.runner, chance=chance)
    return create_aws_edge(plane, server, status=functions.runner.status), plane


@dataclass(frozen=True, slots=True)
class RunningFunctions:
    runner: LambdaFunctions
    launchers: FunctionLaunchers


async def running_functions(settings: Settings, places: FunctionPlaces, fetch: Fetch, clock: Clock) -> RunningFunctions:
    """They run nothing yet; `fetch` gets the archives of code. Raises StoreError."""
    folder, bundles = places.folder, _bundles(settings, places.image_folder)
    interpreters = Environments(
        folder=folder / "environments",
        bundles=bundles,
        runtime_path=await asyncio.to_thread(_staged_runtime, folder / "runtime"),
        runtime_requirements=RUNTIME_REQUIREMENTS,
        timeout_s=settings.environment_timeout_s,
        trust=partial(trust, settings),
    )
    launchers = FunctionLaunchers(
        bundles=bundles,
        interpreters=interpreters,
        code=CodeFolder(folder / "code", fetch),
        work_folder=folder / "work",
        surroundings=Surroundings(
            region=places.region,
            variables=places.variables,
            host_variables=host_variables(),
            python_path=host_python_path(),
            memory_mib=settings.replica_memory_mib,
        ),
    )
    runner = LambdaFunctions(
        launcher=launchers.launcher, logs=LogFolder(folder / "logs"), clock=clock, limits=_limits(settings)
    )
    return RunningFunctions(runner, launchers)


def _bundles(settings: Settings, folder: Path) -> BundleDirectory:
    return BundleDirectory(folder, settings.max_bundle_bytes, partial(trust, settings))


def _limits(settings: Settings) -> ExecutionLimits:
    return ExecutionLimits(
        start_timeout_s=settings.start_timeout_s,
        idle_limit_s=settings.idle_limit_s,
        max_environments=settings.max_replicas,
        starting_at_once=os.cpu_count() or 1,
        memory_mib=settings.replica_memory_mib,
        log_bytes=settings.replica_log_bytes,
    )


def _staged_runtime(folder: Path) -> Path:
    with translated(folder):
        return stage_runtime(folder)
