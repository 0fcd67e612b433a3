"""How a replica of one model version is started: its bundle, its interpreter, its variables."""

import asyncio
import os
from pathlib import Path

from clipper_sls.adapters.engine.environments import Environments, Interpreter
from clipper_sls.adapters.engine.process_environment import ReplicaIdentity, replica_environment
from clipper_sls.adapters.engine.replica_process import Launch, spawn
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.ports.bundle_store import BundleStore


class ReplicaLauncher:
    def __init__(
        self,
        *,
        model: ModelId,
        bundle_digest: str,
        bundles: BundleStore,
        environments: Environments,
        work_folder: Path,
        lifeline_fd: int,
        memory_mib: int,
    ) -> None:
        self.model = model
        self._bundle_digest = bundle_digest
        self._bundles = bundles
        self._environments = environments
        self._work_folder = work_folder
        self._lifeline_fd = lifeline_fd
        self._memory_mib = memory_mib
        self._interpreter: Interpreter | None = None

    async def prepare(self) -> None:
        """Make sure that there is an interpreter with the version's packages; slow the first time, quick afterwards.

        Raises InvalidBundleError, EnvironmentBuildError.
        """
        manifest = await self._bundles.manifest(self._bundle_digest)
        self._interpreter = await self._environments.interpreter_for(manifest)

    async def spawn(self, port: int, log_fd: int) -> asyncio.subprocess.Process:
        """Start a process that asks on `port` for work and prints to `log_fd`; only after `prepare`. Raises OSError."""
        assert self._interpreter is not None
        identity = ReplicaIdentity(
            model=self.model,
            bundle_path=self._bundles.path(self._bundle_digest),
            bundle_digest=self._bundle_digest,
            port=port,
            lifeline_fd=self._lifeline_fd,
            memory_mib=self._memory_mib,
        )
        await asyncio.to_thread(self._work_folder.mkdir, parents=True, exist_ok=True)
        return await spawn(
            Launch(
                python=self._interpreter.python,
                environment=replica_environment(identity, os.environ, self._interpreter.python_path),
                folder=self._work_folder,
                log_fd=log_fd,
                lifeline_fd=self._lifeline_fd,
                memory_mib=self._memory_mib,
            )
        )
