"""`make bench`: latency of one query at a time on a model that does nothing, start, deploy and idle memory.

Rounds of the engine and of a plain FastAPI server alternate, so that both meet the same machine. Prints medians over
rounds, and writes them with every round as JSON.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import servers
from bench.latency import Client, Latency
from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.deployers.python import deploy_python_closure

OBJECTIVE_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: every measurement, of the engine and of the plain server."""

    name: str
    unit: str
    engine: list[float]
    plain: list[float]

    @property
    def ratio(self) -> float | None:
        return median(self.engine) / median(self.plain) if self.plain else None


def noop(inputs: Any) -> list[float]:
    return [float(len(row)) for row in inputs]


def measure(folder: Path, rounds: int, queries: int, starts: int) -> list[Figure]:
    figures = [_start_up(folder, starts)]
    with servers.engine(folder) as engine, servers.plain(folder) as plain:
        figures.append(Figure("idle memory", "MiB", [engine.memory_mib], [plain.memory_mib]))
        figures.append(Figure("deploy to first answer", "s", _deploys(folder, engine.port, starts), []))
        clients = Client(engine.port), Client(plain.port)
        for client in clients:
            client.round(queries)  # warms up
        pairs = [(clients[0].round(queries), clients[1].round(queries)) for _ in range(rounds)]
        for client in clients:
            client.close()
    return [_latency("p50", pairs, lambda one: one.p50_ms), _latency("p99", pairs, lambda one: one.p99_ms), *figures]


def _latency(name: str, pairs: list[tuple[Latency, Latency]], value: Callable[[Latency], float]) -> Figure:
    engine, plain = zip(*((value(ours), value(theirs)) for ours, theirs in pairs), strict=True)
    return Figure(f"one query at a time, {name}", "ms", list(engine), list(plain))


def _start_up(folder: Path, times: int) -> Figure:
    ours, theirs = [], []
    for number in range(times):
        (empty := folder / f"start-{number}").mkdir()
        with servers.engine(empty) as engine:
            ours.append(engine.started_in_s)
        with servers.plain(empty) as plain:
            theirs.append(plain.started_in_s)
    return Figure("start to ready", "s", ours, theirs)


def _deploys(folder: Path, query_port: int, times: int) -> list[float]:
    """Each deploys a new version; the clock stops when it has answered."""
    connection = ClipperConnection(LocalContainerManager(state_dir=folder / "state"))
    connection.connect()
    connection.register_application("noop", "doubles", "0", OBJECTIVE_MICROS)
    taken = []
    client = Client(query_port)
    for version in range(1, times + 1):
        started_at = time.perf_counter()
        deploy_python_closure(connection, "noop", version, "doubles", noop)
        if version == 1:
            connection.link_model_to_app("noop", "noop")
        client.ask()
        taken.append(time.perf_counter() - started_at)
    client.close()
    connection.stop_inactive_model_versions(["noop"])
    return taken


def _table(figures: list[Figure]) -> Table:
    table = Table(title="Medians")
    for heading in ("", "clipper-sls", "plain FastAPI", "ratio"):
        table.add_column(heading, justify="right" if heading else "left")
    for figure in figures:
        plain = f"{median(figure.plain):.2f}" if figure.plain else "-"
        ratio = f"{figure.ratio:.2f}" if figure.ratio else "-"
        table.add_row(f"{figure.name} ({figure.unit})", f"{median(figure.engine):.2f}", plain, ratio)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--queries", type=int, default=1000, help="per round and server")
    parser.add_argument("--starts", type=int, default=5, help="starts and deploys")
    parser.add_argument("--output", type=Path, default=Path("build/bench/one_at_a_time.json"))
    arguments = parser.parse_args()
    console = Console()
    with (
        tempfile.TemporaryDirectory(prefix="clipper-sls-bench-", ignore_cleanup_errors=True) as folder,
        console.status("measuring; keep the machine quiet"),
    ):
        figures = measure(Path(folder), arguments.rounds, arguments.queries, arguments.starts)
    console.print(_table(figures))
    machine = {"python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count()}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    lines = [{**asdict(figure), "ratio": figure.ratio} for figure in figures]
    arguments.output.write_text(json.dumps({"machine": machine, "figures": lines}, indent=2) + "\n")
    console.print(f"Every round is in {arguments.output}")


if __name__ == "__main__":
    main()
