"""Runs pools until it is killed: `python pools_in_a_process.py STATE_DIR BUNDLES DIGEST RUNTIME_PATH`.

Prints the process ids of its two replicas once they are ready.
"""

import asyncio
import random
import sys
from pathlib import Path

from clipper_sls.adapters.engine import EngineLimits, FunctionPools
from clipper_sls.adapters.engine.environments import Environments
from clipper_sls.adapters.engine.log_files import LogFolder
from clipper_sls.adapters.engine.process_launcher import ProcessLaunchers
from clipper_sls.adapters.local.bundle_directory import BundleDirectory
from clipper_sls.adapters.local.metrics import LocalMetrics
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import ModelVersion, Scaling
from clipper_sls.testing.signing import ANYBODY


async def main(state_dir: str, bundles: str, digest: str, runtime_path: str) -> None:
    clock = SystemClock()
    store = BundleDirectory(Path(bundles), max_size_bytes=0, trust=lambda: ANYBODY)
    launchers = ProcessLaunchers(
        bundles=store,
        interpreters=Environments(
            bundles=store,
            folder=Path(state_dir) / "environments",
            runtime_path=Path(runtime_path),
            runtime_requirements=(),
            timeout_s=600.0,
            trust=lambda: ANYBODY,
        ),
        work_folder=Path(state_dir) / "work",
        memory_mib=EngineLimits().replica_memory_mib,
    )
    pools = FunctionPools(
        launchers=launchers,
        logs=LogFolder(Path(state_dir) / "logs"),
        clock=clock,
        metrics=LocalMetrics(clock=clock, chance=random.Random(0)),
        limits=EngineLimits(),
    )
    await pools.start(ModelVersion(ModelId.of("m", 1), InputType.JSON, bundle_digest=digest, scaling=Scaling.fixed(2)))
    print(*(replica.pid for replica in pools.pools()[0].replicas), flush=True)
    await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:]))
