"""The rivals as contenders: those whose environments there are, and the names of those that are missing."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from bench.contenders.commands import CommandServer
from bench.contenders.processes import ROOT
from bench.peers.environments import PEERS, python_of
from bench.workloads import BATCH_WAIT_S, MAX_BATCH, NO_OP, Workload
from clipper_sls.testing.ports import free_port

APPS = ROOT / "bench" / "peers" / "apps"
V2 = '{"inputs":[{"name":"input","shape":[1,-1],"datatype":"FP64","data":[%s]}]}'
"""Open Inference Protocol v2; `-1` is however many numbers there are."""
NESTED = '{"input":[[%s]]}'
BENTO_VARIABLES = {"BENTOML_DO_NOT_TRACK": "True"}
RAY_VARIABLES = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # its own default lets everything else on the machine go first
    "RAY_SERVE_LOG_TO_STDERR": "0",
}


def peers(folder: Path) -> tuple[list[CommandServer], list[str]]:
    """Of the environments in `folder`."""
    known: Mapping[str, CommandServer] = {
        "litserve": CommandServer("LitServe", partial(_script, folder, "litserve")),
        "mlserver": CommandServer("MLServer", partial(_mlserver, folder), V2, "/v2/models/model/infer"),
        "bentoml": CommandServer("BentoML", partial(_bentoml, folder), NESTED, environment=BENTO_VARIABLES),
        "ray": CommandServer("Ray Serve", partial(_script, folder, "ray"), environment=RAY_VARIABLES),
    }
    there = [peer for peer in PEERS if python_of(peer, folder).exists()]
    return [known[peer] for peer in there], [peer for peer in PEERS if peer not in there]


def _script(folder: Path, peer: str, _workload: Workload, _place: Path, port: int) -> list[str]:
    return [str(python_of(peer, folder)), str(APPS / f"on_{peer}.py"), str(port)]


def _bentoml(folder: Path, _workload: Workload, _place: Path, port: int) -> list[str]:
    serve = [str(python_of("bentoml", folder)), "-m", "bentoml", "serve", "bench.peers.apps.on_bentoml:Model"]
    return [*serve, "--host", "127.0.0.1", "--port", str(port), "--working-dir", str(ROOT)]


def _mlserver(folder: Path, workload: Workload, place: Path, port: int) -> list[str]:
    """One parallel worker and its adaptive batching; the no-op in the server's own process and unbatched."""
    is_batched = workload is not NO_OP
    settings = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": free_port(),
        "metrics_port": free_port(),
        "metrics_endpoint": None,
        "debug": False,
        "parallel_workers": int(is_batched),
        "environments_dir": str(place),
    }
    model: dict[str, object] = {"name": "model", "implementation": "bench.peers.apps.on_mlserver.Model"}
    if is_batched:
        model |= {"max_batch_size": MAX_BATCH, "max_batch_time": BATCH_WAIT_S}
    (place / "settings.json").write_text(json.dumps(settings))
    (place / "model-settings.json").write_text(json.dumps(model))
    return [str(python_of("mlserver", folder).parent / "mlserver"), "start", str(place)]
