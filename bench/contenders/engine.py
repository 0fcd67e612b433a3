"""clipper-sls itself: `clipper-sls dev`, with an application for every latency objective, all linked to one model."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.contenders.contender import FLAT, Server
from bench.contenders.processes import running
from bench.workloads import Model, Workload
from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.deployers.python import deploy_python_closure
from clipper_sls.domain.records import ADAPTIVE_BATCH_SIZE
from clipper_sls.domain.serving_options import ServingOptions

NO_OUTPUT = "-1"


@dataclass(frozen=True, slots=True)
class Engine:
    """`batch_size`, `replicas` and `options` are those of the model version."""

    name: str = "clipper-sls"
    body: str = FLAT
    batch_size: int = ADAPTIVE_BATCH_SIZE
    replicas: int = 1
    options: ServingOptions = field(default_factory=lambda: ServingOptions())

    def path(self, workload: Workload, objective_ms: int) -> str:
        return f"/{workload.name}-{objective_ms}ms/predict"

    @contextmanager
    def serving(self, workload: Workload, objectives_ms: list[int], folder: Path) -> Iterator[Server]:
        with engine(folder) as server:
            model = workload.load(folder)
            deploy(folder, self, workload.name, model, objectives_ms)
            yield server


@contextmanager
def engine(folder: Path) -> Iterator[Server]:
    """`clipper-sls dev` with its state below `folder`, and nothing deployed."""
    ready_file = folder / "ready.json"
    ports = ["--query-port", "0", "--management-port", "0"]
    files = ["--state-dir", str(folder / "state"), "--ready-file", str(ready_file)]
    command = [sys.executable, "-m", "clipper_sls", "dev", *ports, *files]
    with running(command, folder=folder, port=0, is_ready=ready_file.exists) as server:
        query = json.loads(ready_file.read_text())["query"]
        yield Server(int(query.rpartition(":")[2]), server.process, server.started_in_s)


def deploy(folder: Path, contender: Engine, name: str, model: Model, objectives_ms: list[int]) -> None:
    """As model `name`, behind an application `<name>-<objective>ms` for each objective."""
    connection = ClipperConnection(LocalContainerManager(state_dir=folder / "state"))
    connection.connect()
    deploy_python_closure(
        connection,
        name,
        1,
        "doubles",
        model,
        num_replicas=contender.replicas,
        batch_size=contender.batch_size,
        **contender.options,
    )
    for objective_ms in objectives_ms:
        application = f"{name}-{objective_ms}ms"
        connection.register_application(application, "doubles", NO_OUTPUT, objective_ms * 1000)
        connection.link_model_to_app(application, name)
