"""A server that is one command, told by its environment which workload to serve."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.contenders.contender import FLAT, Server
from bench.contenders.probe import answers
from bench.contenders.processes import running
from bench.workloads import Workload
from clipper_sls.testing.ports import free_port


@dataclass(frozen=True, slots=True)
class CommandServer:
    """`command` gives the command for a workload, a folder and a port; `route` is where it then answers."""

    name: str
    command: Callable[[Workload, Path, int], list[str]]
    body: str = FLAT
    route: str = "/predict"
    environment: Mapping[str, str] = field(default_factory=dict)

    def path(self, workload: Workload, objective_ms: int) -> str:
        return self.route

    @contextmanager
    def serving(self, workload: Workload, objectives_ms: list[int], folder: Path) -> Iterator[Server]:
        port = free_port()
        example = workload.examples()[0]
        variables = {"BENCH_WORKLOAD": workload.name, "BENCH_FOLDER": str(folder), **self.environment}
        with running(
            self.command(workload, folder, port),
            folder=folder,
            port=port,
            is_ready=lambda: answers(port, self.route, self.body, example),
            environment=variables,
        ) as server:
            yield server
