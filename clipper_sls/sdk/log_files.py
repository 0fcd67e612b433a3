"""Writing the logs of a cluster into files: one for each replica, one for the engine."""

import json
import shutil
from pathlib import Path

from clipper_sls.sdk.management_client import ManagementClient


def write_logs(management: ManagementClient, cluster_name: str, engine_log: Path, folder: Path) -> list[str]:
    """Paths of the files, the engine's first. Files of an earlier call are overwritten."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [_write_engine_log(management, engine_log, folder / f"{cluster_name}-engine.log")]
    for log in management.get_logs():
        replica = f"{log['model_name']}-{log['model_version']}-{log['replica_id']}"
        path = folder / f"{cluster_name}-{replica}.log"
        path.write_text(log["text"])
        written.append(path)
    return [str(path) for path in written]


def _write_engine_log(management: ManagementClient, engine_log: Path, path: Path) -> Path:
    """An engine that runs in a terminal writes its log there; of that one we keep what it says about itself."""
    if engine_log.exists():
        shutil.copyfile(engine_log, path)
    else:
        path.write_text(json.dumps(management.get_status(), indent=2) + "\n")
    return path
