"""Function pools for real: bundles in a folder, replicas as processes or as containers, the system's clock.

Tests of what processes alone have are marked `processes_only`.
"""

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvloop

from clipper_sls.adapters.engine import EngineLimits, FunctionPools
from clipper_sls.adapters.engine.environments import Environments
from clipper_sls.adapters.engine.launching import Launchers
from clipper_sls.adapters.engine.log_files import LogFolder
from clipper_sls.adapters.engine.process_launcher import ProcessLaunchers
from clipper_sls.adapters.local.bundle_directory import BundleDirectory
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.domain.identifiers import AppName, ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.query import Deadline, DefaultReason, Predicted, RowResult
from clipper_sls.domain.records import ADAPTIVE_BATCH_SIZE, ModelVersion, Scaling
from clipper_sls.domain.replicas import PoolStatus, ReplicaState
from clipper_sls.domain.serving import Serving
from clipper_sls.packaging.bundling import bundle_closure
from clipper_sls.packaging.runtime_package import RUNTIME_REQUIREMENTS, stage_runtime
from clipper_sls.testing.container_base import ContainerBase
from clipper_sls.testing.signing import ANYBODY

PATIENCE_S = 30.0
DEFAULT_SERVING = Serving()
QUICK = EngineLimits(watch_interval_s=0.02, stop_grace_s=1.0, drain_timeout_s=2.0, start_timeout_s=PATIENCE_S)


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that the engine runs on, and for what is asked most the standard one too."""
    if item.path.name == "test_answering.py":
        return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
    return {"uvloop": uvloop.new_event_loop}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Containers with one loop only: what differs between loops is not what differs between them and processes."""
    left_out = [item for item in items if _is_left_out(item)]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def _is_left_out(item: pytest.Item) -> bool:
    is_of_processes = item.get_closest_marker("processes_only") is not None
    return "container" in _parameters(item) and ("asyncio" in _parameters(item) or is_of_processes)


def _parameters(item: pytest.Item) -> set[str]:
    return set(item.name.partition("[")[2].rstrip("]").split("-"))


def pytest_itemcollected(item: pytest.Item) -> None:
    """The engine itself runs on no other loop than uvloop's, so the rest is for CI."""
    if item.name.partition("[")[2].startswith("asyncio"):
        item.add_marker(pytest.mark.slow)


@dataclass
class RecordedMetrics:
    """What the pools counted; `batches` holds the number of rows of each."""

    batches: list[int] = field(default_factory=list)
    crashes: list[ModelId] = field(default_factory=list)
    hedged_batches: int = 0
    hedges_won: int = 0

    def answered(self, application: AppName, latency_s: float, reasons: tuple[DefaultReason | None, ...]) -> None:
        raise AssertionError("pools know no applications")

    def batch(self, model: ModelId, rows: int, latency_s: float, queue_delay_s: float) -> None:
        assert latency_s >= 0
        assert queue_delay_s >= 0
        self.batches.append(rows)

    def cache_lookup(self, model: ModelId, hits: int, misses: int) -> None:
        raise AssertionError("pools know no cache")

    def cache_failed(self) -> None:
        raise AssertionError("pools know no cache")

    def hedged(self, model: ModelId) -> None:
        self.hedged_batches += 1

    def hedge_won(self, model: ModelId, *, by_copy: bool) -> None:
        self.hedges_won += by_copy

    def throttled(self, model: ModelId) -> None:
        raise AssertionError("pools run what they are asked")

    def answered_by_other(self, model: ModelId, number: str, rows: int) -> None:
        raise AssertionError("pools know no functions")

    def replica_crashed(self, model: ModelId) -> None:
        self.crashes.append(model)


@dataclass
class Engine:
    """Pools under test, and short ways to deploy to and ask them."""

    pools: FunctionPools
    state_dir: Path
    metrics: RecordedMetrics
    bundle_folder: Path
    clock: SystemClock

    def bundle(
        self,
        function: Callable[[Any], Any],
        *,
        name: str = "m",
        version: str = "1",
        replicas: int | tuple[int, int] = 1,
        input_type: InputType = InputType.JSON,
        batch_size: int = ADAPTIVE_BATCH_SIZE,
        pkgs_to_install: Sequence[str] = (),
        serving: Serving = DEFAULT_SERVING,
    ) -> ModelVersion:
        """A version of `function`, not started."""
        draft = self.bundle_folder / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        manifest = bundle_closure(
            function,
            name=name,
            version=version,
            input_type=input_type.value,
            pkgs_to_install=pkgs_to_install,
            destination=draft,
        )
        if not (self.bundle_folder / manifest.digest).exists():
            draft.rename(self.bundle_folder / manifest.digest)
        minimum, maximum = (replicas, replicas) if isinstance(replicas, int) else replicas
        return ModelVersion(
            ModelId.of(name, version),
            input_type,
            batch_size=batch_size,
            bundle_digest=manifest.digest,
            scaling=Scaling(minimum, maximum),
            serving=serving,
        )

    async def deploy(self, function: Callable[[Any], Any], **options: Any) -> ModelVersion:
        version = self.bundle(function, **options)
        await self.pools.start(version)
        return version

    async def results(self, version: ModelVersion, *inputs: Any, within_s: float = PATIENCE_S) -> Sequence[RowResult]:
        """What becomes of JSON inputs that are asked together."""
        rows = [msgspec.json.encode(value) for value in inputs]
        return await self.pools.invoke(version, rows, Deadline(self.clock.now() + within_s))

    async def outputs(self, version: ModelVersion, *inputs: Any, within_s: float = PATIENCE_S) -> list[Any]:
        """Outputs, and `DefaultReason`s where there is none."""
        results = await self.results(version, *inputs, within_s=within_s)
        return [msgspec.json.decode(r.output) if isinstance(r, Predicted) else r.reason for r in results]

    def status(self, version: ModelVersion) -> PoolStatus:
        return next(status for status in self.pools.pools() if status.model == version.id)

    def pids(self, version: ModelVersion) -> list[int]:
        """Of the replicas that are ready or at work."""
        states = (ReplicaState.READY, ReplicaState.BUSY)
        return [r.pid for r in self.status(version).replicas if r.pid is not None and r.state in states]

    def log(self, version: ModelVersion) -> str:
        """All that the version's replicas printed."""
        return "".join(path.read_text() for path in self.pools.log_files(version.id))

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait for a condition; fails the test when it does not come about."""
        async with asyncio.timeout(PATIENCE_S):
            while not holds():  # noqa: ASYNC110 - what it waits for is in other processes
                await asyncio.sleep(0.01)


MakeEngine = Callable[..., Awaitable[Engine]]


@pytest.fixture(scope="session")
def runtime_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stage_runtime(tmp_path_factory.mktemp("runtime"))


@pytest.fixture(params=["process", pytest.param("container", marks=pytest.mark.slow)])
def isolation(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture(scope="session")
def container_images(docker_is_running: None) -> Iterator[str]:
    """A repository of the container engine, empty again at the end."""
    import docker

    name = f"clipper-sls-tests/environments-{secrets.token_hex(4)}"
    yield name
    with closing(docker.from_env()) as client:
        for image in client.images.list(name):
            client.images.remove(image.id, force=True)


@pytest.fixture
def container_launchers(
    container_base: ContainerBase, container_images: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Awaitable[Launchers]]:
    for name, value in container_base.variables.items():
        monkeypatch.setenv(name, value)

    async def make(bundles: BundleDirectory, state_dir: Path, limits: EngineLimits) -> Launchers:
        from clipper_sls.adapters.containers.container_engine import connected_engine
        from clipper_sls.adapters.containers.container_launcher import ContainerLaunchers
        from clipper_sls.bootstrap.replica_images import EngineImages

        engine = connected_engine()
        images = EngineImages(
            engine=engine,
            bundles=bundles,
            base=container_base.reference,
            timeout_s=PATIENCE_S,
            trust=lambda: ANYBODY,
            repository=container_images,
        )
        launchers = ContainerLaunchers(
            engine=engine,
            images=images,
            network="none",
            memory_mib=limits.replica_memory_mib,
            engine_id=str(state_dir),
        )
        await launchers.open()
        return launchers

    return make


@pytest.fixture
async def make_engine(
    tmp_path: Path, runtime_path: Path, isolation: str, request: pytest.FixtureRequest
) -> AsyncIterator[MakeEngine]:
    """Pools with limits of the test's own; several calls are one engine after the other on one state directory."""
    made: list[FunctionPools] = []

    async def make(
        runtime_path: Path = runtime_path,
        runtime_requirements: Sequence[str] = RUNTIME_REQUIREMENTS,
        environment_timeout_s: float = 600.0,
        **limits: Any,
    ) -> Engine:
        bundle_folder = tmp_path / "bundles"
        bundle_folder.mkdir(exist_ok=True)
        metrics, clock = RecordedMetrics(), SystemClock()
        state_dir, bounds = tmp_path / "state", replace(QUICK, **limits)
        bundles = BundleDirectory(bundle_folder, max_size_bytes=0, trust=lambda: ANYBODY)
        launchers: Launchers
        if isolation == "container":
            launchers = await request.getfixturevalue("container_launchers")(bundles, state_dir, bounds)
        else:
            environments = Environments(
                folder=state_dir / "environments",
                bundles=bundles,
                runtime_path=runtime_path,
                runtime_requirements=runtime_requirements,
                timeout_s=environment_timeout_s,
                trust=lambda: ANYBODY,
            )
            launchers = ProcessLaunchers(
                bundles=bundles,
                interpreters=environments,
                work_folder=state_dir / "work",
                memory_mib=bounds.replica_memory_mib,
            )
        pools = FunctionPools(
            launchers=launchers, logs=LogFolder(state_dir / "logs"), clock=clock, metrics=metrics, limits=bounds
        )
        made.append(pools)
        return Engine(pools, state_dir, metrics, bundle_folder, clock)

    yield make
    for pools in made:
        await pools.close()


@pytest.fixture
async def engine(make_engine: MakeEngine) -> Engine:
    return await make_engine()
