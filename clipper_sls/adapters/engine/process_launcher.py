"""Replicas as processes of this machine: their bundle, their interpreter, their variables."""

import asyncio
from pathlib import Path

from clipper_sls.adapters.engine.interpreters import Interpreter, Interpreters
from clipper_sls.adapters.engine.lifeline import Lifeline
from clipper_sls.adapters.engine.process_environment import ReplicaIdentity, replica_environment
from clipper_sls.adapters.engine.replica_process import Launch, ReplicaProcess, spawn
from clipper_sls.adapters.engine.runtime_api import RuntimeApi
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.records import CONTAINERLESS_IMAGE, ModelVersion
from clipper_sls.errors import UnsupportedImageError
from clipper_sls.ports.bundle_store import BundleStore


class ProcessLaunchers:
    """Replicas work below `work_folder`, and end when this process does."""

    def __init__(self, *, bundles: BundleStore, interpreters: Interpreters, work_folder: Path, memory_mib: int) -> None:
        self._bundles = bundles
        self._interpreters = interpreters
        self._work_folder = work_folder
        self._memory_mib = memory_mib
        self._lifeline: Lifeline | None = None

    async def identified(self, version: ModelVersion) -> ModelVersion:
        """See `Launchers.identified`: what runs here are bundles, and no image has one that is at hand."""
        if version.bundle_digest is None:
            raise UnsupportedImageError(
                f"Image '{version.container_name}' cannot be run here. This engine runs bundles, as the deployers and "
                f"build_model make them, and registers '{CONTAINERLESS_IMAGE}' and other images without replicas. "
                f"Images are run by an engine that was started with --isolation container"
            )
        await self._bundles.manifest(version.bundle_digest)
        return version

    def launcher(self, version: ModelVersion) -> "ProcessLauncher":
        assert version.bundle_digest is not None
        self._lifeline = self._lifeline or Lifeline()
        model = version.id
        return ProcessLauncher(
            model=model,
            bundle_digest=version.bundle_digest,
            bundles=self._bundles,
            interpreters=self._interpreters,
            work_folder=self._work_folder / model.name / model.version,
            lifeline_fd=self._lifeline.read_fd,
            memory_mib=self._memory_mib,
        )

    def close(self) -> None:
        """Replicas that are still there end themselves."""
        if self._lifeline is not None:
            self._lifeline.cut()
            self._lifeline = None


class ProcessLauncher:
    def __init__(
        self,
        *,
        model: ModelId,
        bundle_digest: str,
        bundles: BundleStore,
        interpreters: Interpreters,
        work_folder: Path,
        lifeline_fd: int,
        memory_mib: int,
    ) -> None:
        self._model = model
        self._bundle_digest = bundle_digest
        self._bundles = bundles
        self._interpreters = interpreters
        self._work_folder = work_folder
        self._lifeline_fd = lifeline_fd
        self._memory_mib = memory_mib
        self._interpreter: Interpreter | None = None

    async def prepare(self) -> None:
        """See `Launcher.prepare`: there is an interpreter with the version's packages."""
        manifest = await self._bundles.manifest(self._bundle_digest)
        self._interpreter = await self._interpreters.interpreter_for(manifest)

    async def spawn(self, api: RuntimeApi, log_fd: int) -> ReplicaProcess:
        """See `Launcher.spawn`."""
        assert self._interpreter is not None
        identity = ReplicaIdentity(
            model=self._model,
            bundle_path=self._bundles.path(self._bundle_digest),
            bundle_digest=self._bundle_digest,
            port=await api.open(),
            lifeline_fd=self._lifeline_fd,
            memory_mib=self._memory_mib,
        )
        await asyncio.to_thread(self._work_folder.mkdir, parents=True, exist_ok=True)
        return await spawn(
            Launch(
                python=self._interpreter.python,
                environment=replica_environment(identity, self._interpreter),
                folder=self._work_folder,
                log_fd=log_fd,
                lifeline_fd=self._lifeline_fd,
                memory_mib=self._memory_mib,
            )
        )
