"""`make bench-load`: many clients at once, each asking again as soon as it is answered, beside a plain FastAPI server.

Every query is a new one, so no cache answers, and every answer is compared with the one that its own query must get.
Rounds of both servers alternate. Client and servers share the machine, so only the ratios mean something.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx2
import uvloop
from rich.console import Console
from rich.table import Table

from bench import servers
from bench.latency import Latency
from bench.models import FOREST, TOTAL, Workload
from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.deployers.python import create_endpoint

OBJECTIVE_MICROS = 1_000_000
WARM_UP_TRIES = 20


@dataclass(frozen=True, slots=True)
class Round:
    """Answers a second, and how long they took."""

    rate: float
    latency: Latency


class Crowd:
    """`clients` connections to one server."""

    def __init__(self, port: int, workload: Workload, clients: int) -> None:
        self._port = port
        self._workload = workload
        self._clients = clients
        self._seconds: list[float] = []

    async def ask_for(self, seconds: float) -> Round:
        self._seconds = []
        end = time.perf_counter() + seconds
        queries = self._workload.queries(random.Random(time.time_ns()))
        await asyncio.gather(*(self._client(queries, end) for _ in range(self._clients)))
        return Round(len(self._seconds) / seconds, Latency.of(self._seconds))

    async def _client(self, queries: Iterator[tuple[list[float], float]], end: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        head = f"POST /{self._workload.name}/predict HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        while (started_at := time.perf_counter()) < end:
            row, expected = next(queries)
            body = json.dumps({"input": row}).encode()
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = json.loads(await _body(reader))
            if answer["default"] or abs(answer["output"] - expected) > 1e-6:
                raise RuntimeError(f"Expected {expected}, got {answer}")
            self._seconds.append(time.perf_counter() - started_at)
        writer.close()


async def _body(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return await reader.readexactly(int(length.partition(b":")[2]))


def measure(folder: Path, clients: list[int], rounds: int, seconds: float) -> Iterator[tuple[str, int, Round, Round]]:
    """Medians of alternating rounds: workload, clients, the engine's, the plain server's."""
    with ExitStack() as running:
        engine, plain = running.enter_context(servers.engine(folder)), running.enter_context(servers.plain(folder))
        connection = ClipperConnection(LocalContainerManager(state_dir=folder / "state"))
        connection.connect()
        for workload in (TOTAL, FOREST):
            create_endpoint(connection, workload.name, "doubles", workload.function, "-1", slo_micros=OBJECTIVE_MICROS)
            for port in (engine.port, plain.port):
                _warm_up(port, workload)
            for count in clients:
                pairs = [_pair(engine.port, plain.port, workload, count, seconds) for _ in range(rounds)]
                ours, theirs = (_median([pair[side] for pair in pairs]) for side in (0, 1))
                yield workload.name, count, ours, theirs


def _warm_up(port: int, workload: Workload) -> None:
    """Models load what they need on their first query, and may be late with it."""
    row, _ = next(workload.queries(random.Random(0)))
    for _ in range(WARM_UP_TRIES):
        answer = httpx2.post(f"http://127.0.0.1:{port}/{workload.name}/predict", json={"input": row}, trust_env=False)
        if not answer.json()["default"]:
            return
    raise RuntimeError(f"{workload.name} on port {port} gave only default outputs, {WARM_UP_TRIES} times")


def _pair(engine_port: int, plain_port: int, workload: Workload, clients: int, seconds: float) -> list[Round]:
    return [uvloop.run(Crowd(port, workload, clients).ask_for(seconds)) for port in (engine_port, plain_port)]


def _median(rounds: list[Round]) -> Round:
    p50_ms, p99_ms = (
        median(values) for values in zip(*((r.latency.p50_ms, r.latency.p99_ms) for r in rounds), strict=True)
    )
    return Round(median(one.rate for one in rounds), Latency(p50_ms, p99_ms))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16, 64, 256])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of a round")
    parser.add_argument("--output", type=Path, default=Path("build/bench/many_clients.json"))
    arguments = parser.parse_args()
    table = Table("workload", title="Medians; rates a second, latencies in ms")
    for heading in ("clients", "clipper-sls", "p50", "p99", "plain FastAPI", "p50", "p99", "ratio"):
        table.add_column(heading, justify="right")
    lines = []
    with tempfile.TemporaryDirectory(prefix="clipper-sls-bench-", ignore_cleanup_errors=True) as folder:
        for name, clients, ours, theirs in measure(
            Path(folder), arguments.clients, arguments.rounds, arguments.seconds
        ):
            figures = [*_figures(ours), *_figures(theirs), ours.rate / theirs.rate]
            table.add_row(name, str(clients), *(f"{figure:,.{0 if figure > 100 else 2}f}" for figure in figures))
            lines.append([name, clients, *figures])
    Console().print(table)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(lines, indent=2) + "\n")


def _figures(one: Round) -> list[float]:
    return [one.rate, one.latency.p50_ms, one.latency.p99_ms]


if __name__ == "__main__":
    main()
