"""An engine with a model that does as it is told, and a neighbour that must not notice."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event
from typing import Any

import httpx2
import pytest

from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.deployers.python import deploy_python_closure
from clipper_sls.testing.engine import EngineUnderTest, embedded_engine

PATIENCE_S = 60.0
POLL_S = 0.02
LOG_BYTES = 1_000_000
LIMITS = {
    "CLIPPER_SLS_FUNCTION_TIMEOUT_S": "3",
    "CLIPPER_SLS_START_TIMEOUT_S": "15",
    "CLIPPER_SLS_REPLICA_MEMORY_MIB": "512",
    "CLIPPER_SLS_REPLICA_LOG_BYTES": str(LOG_BYTES),
}


def neighbour(inputs):
    return [x + 1 for x in inputs]


def naughty(inputs):
    """Doubles numbers, and does what strings say."""
    outputs = [ACTS[x]() if isinstance(x, str) else 2 * x for x in inputs]
    for x in inputs:
        if x in ANSWERS:
            return ANSWERS[x](outputs)
    return outputs


def _fail(error):
    raise error


def _circle():
    around = []
    around.append(around)
    return around


def _wait_for_ever():
    threading.Event().wait()


def _recurse():
    return _recurse()


def _share_memory():
    import mmap

    kept = mmap.mmap(-1, 800 << 20)
    for start in range(0, len(kept), 1 << 20):
        kept[start : start + (1 << 20)] = b"x" * (1 << 20)
    _wait_for_ever()


def _segfault():
    import ctypes

    ctypes.string_at(0)


def _shout():
    for _ in range(20):
        print("o" * 500_000)
        print("e" * 500_000, file=sys.stderr)
    return "shouted"


def _fork(is_daemon=False):
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if is_daemon:
            os.setsid()
        _wait_for_ever()
    return child


def _start_threads():
    for _ in range(20):
        threading.Thread(target=_wait_for_ever).start()
    return threading.active_count()


def _forget_surroundings():
    os.chdir("/")
    os.environ.clear()  # noqa: TID251 - a model may do so
    os.environ["AWS_LAMBDA_RUNTIME_API"] = "127.0.0.1:1"  # noqa: TID251 - and so
    return "done"


ACTS = {
    "raise": lambda: _fail(ValueError("a bad row")),
    "interrupt": lambda: _fail(KeyboardInterrupt()),
    "sys.exit": lambda: sys.exit(4),
    "recurse": _recurse,
    "allocate": lambda: len(bytearray(4 << 30)),
    "set": lambda: {1, 2},
    "object": object,
    "nan": lambda: float("nan"),
    "circle": _circle,
    "half a character": lambda: "\ud800",
    "os._exit": lambda: os._exit(3),
    "segfault": _segfault,
    "wait": _wait_for_ever,
    "share memory": _share_memory,
    "close descriptors": lambda: os.closerange(3, 256),
    "shout": _shout,
    "fork": _fork,
    "fork and return": lambda: os.fork() and None,
    "fork a daemon": lambda: _fork(is_daemon=True),
    "threads": _start_threads,
    "forget": _forget_surroundings,
    "sleep a little": lambda: threading.Event().wait(0.5),
    "pid": os.getpid,
    **dict.fromkeys(("too few", "too many", "none", "generator"), lambda: 0),
}
ANSWERS = {
    "too few": lambda outputs: outputs[1:],
    "too many": lambda outputs: [*outputs, 0],
    "none": lambda outputs: None,
    "generator": lambda outputs: (output for output in outputs),
}


@dataclass(frozen=True)
class World:
    """An engine with the applications `naughty` and `neighbour`."""

    engine: EngineUnderTest
    connection: ClipperConnection
    client: httpx2.Client

    def ask(self, *rows: Any, app: str = "naughty") -> list[dict[str, Any]]:
        response = self.client.post(f"/{app}/predict", json={"input_batch": rows})
        assert response.status_code == 200
        return response.json()["batch_predictions"]

    def outputs(self, *rows: Any) -> list[Any]:
        """What is predicted; the test fails if any of it is a default."""
        answers = self.ask(*rows)
        assert [answer["default"] for answer in answers] == [False] * len(rows), answers
        return [answer["output"] for answer in answers]

    def pool(self, name: str = "naughty") -> dict[str, Any]:
        (pool,) = self.connection.cm.management.get_replicas(name)
        return pool

    def serve(self, name: str, function: Callable[[Any], Any]) -> None:
        self.connection.register_application(name, "json", '"default of naughty"', int(PATIENCE_S * 1e6))
        deploy_python_closure(self.connection, name, 1, "json", function, batch_size=20)
        self.connection.link_model_to_app(name, name)

    def serve_naughty(self, name: str) -> None:
        self.serve(name, naughty)

    def check_default(self, answer: dict[str, Any], detail: str) -> None:
        """It is a default output, because the model failed in the way that `detail` says."""
        assert (answer["default"], answer["output"]) == (True, "default of naughty")
        assert answer["default_reason"] == "model_failed"
        assert detail in answer["default_detail"]

    def until(self, holds: Callable[[], object]) -> None:
        """Wait for a condition; fails the test when it does not come about."""
        nothing = Event()
        for _ in range(round(PATIENCE_S / POLL_S)):
            if holds():
                return
            nothing.wait(POLL_S)
        raise AssertionError("waited in vain")

    def check_all_is_well(self) -> None:
        """The neighbour answers and was never restarted, and the model with the bad row answers good ones again."""
        assert [answer["output"] for answer in self.ask(1, 2, app="neighbour")] == [2, 3]
        assert [replica["replica_id"] for replica in self.pool("neighbour")["replicas"]] == [1]
        assert self.outputs(5, 6) == [10, 12]
        assert self.engine.process.poll() is None


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as environment:
        for name, value in LIMITS.items():
            environment.setenv(name, value)
        with embedded_engine(tmp_path_factory.mktemp("closures") / "state", ["--cache-size-bytes", "0"]) as engine:
            connection = ClipperConnection(LocalContainerManager(state_dir=engine.state_dir))
            connection.connect()
            with httpx2.Client(base_url=engine.query, timeout=PATIENCE_S + 10, trust_env=False, verify=False) as client:
                world = World(engine, connection, client)
                world.serve("neighbour", neighbour)
                world.serve("naughty", naughty)
                yield world
