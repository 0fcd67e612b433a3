"""A real Redis or Valkey cluster for a test: one node or several, each a process, each killed at the end.

with redis_cluster(tmp_path, nodes=3) as cluster:
    cluster_client(cluster.url, limit_s)
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from clipper_sls.testing.ports import free_port
from clipper_sls.testing.redis_server import RedisServerUnderTest, redis_server

SLOTS = 16_384
READY_LIMIT_S = 30.0
_POLL_S = 0.02


@dataclass(frozen=True)
class RedisClusterUnderTest:
    """All nodes are primaries: each has an equal part of the slots, in their order."""

    nodes: tuple[RedisServerUnderTest, ...]

    @property
    def url(self) -> str:
        """Leads to one node; the others are found."""
        return f"{self.nodes[0].url}?cluster=true"

    def move_slot(self, slot: int, source: RedisServerUnderTest, target: RedisServerUnderTest) -> None:
        """Without its keys: whoever asks `source` for them is sent on."""
        for node in (target, source):
            _done(node, "CLUSTER", "SETSLOT", slot, "NODE", _id_of(target))


@contextmanager
def redis_cluster(
    folder: Path, nodes: int = 1, binary: str | None = None, options: Sequence[str] = ()
) -> Iterator[RedisClusterUnderTest]:
    """A cluster that serves all slots. A node that is away leaves the others serving theirs."""
    with ExitStack() as opened:
        servers = [opened.enter_context(_node(folder / f"node-{number}", binary, options)) for number in range(nodes)]
        for number, (server, bus) in enumerate(servers):
            first, last = number * SLOTS // nodes, (number + 1) * SLOTS // nodes - 1
            _done(server, "CLUSTER", "ADDSLOTSRANGE", first, last)
            _done(server, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if number:
                _done(servers[0][0], "CLUSTER", "MEET", "127.0.0.1", server.port, bus)
        cluster = RedisClusterUnderTest(tuple(server for server, _ in servers))
        _until(lambda: all(_knows_all(server, nodes) for server in cluster.nodes))
        yield cluster


@contextmanager
def _node(folder: Path, binary: str | None, further: Sequence[str]) -> Iterator[tuple[RedisServerUnderTest, int]]:
    bus = free_port()
    options = [
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        str(bus),
        "--cluster-require-full-coverage",
        "no",
        *further,
    ]
    with redis_server(folder, options, binary) as server:
        yield server, bus


def _done(server: RedisServerUnderTest, *words: object) -> None:
    answer = server.ask(*words)
    assert answer == b"+OK\r\n", (words, answer)


def _id_of(server: RedisServerUnderTest) -> str:
    return server.ask("CLUSTER", "MYID").split(b"\r\n")[1].decode()


def _knows_all(server: RedisServerUnderTest, nodes: int) -> bool:
    info = server.ask("CLUSTER", "INFO").decode()
    return "cluster_state:ok" in info and f"cluster_slots_ok:{SLOTS}" in info and f"cluster_known_nodes:{nodes}" in info


def _until(holds: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(round(READY_LIMIT_S / _POLL_S)):
        if holds():
            return
        pause.wait(_POLL_S)
    raise RuntimeError(f"The cluster was not ready within {READY_LIMIT_S:g} s")
