"""Ports that are taken, state directories that cannot be used, and disks that are full."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx2
import pytest

from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.deployers.python import create_endpoint, deploy_python_closure
from clipper_sls.errors import StorageFullError
from clipper_sls.testing.engine import EngineUnderTest, embedded_engine

FAILED, CONFLICT = 1, 4  # exit codes
PATIENCE_S = 60.0
LARGE = 300_000  # bytes that fit into no space that a database has left over


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


def _run(state_dir: Path, *options: str) -> Ended:
    """An engine that is expected to end by itself."""
    command = [sys.executable, "-m", "clipper_sls", "dev", "--state-dir", str(state_dir)]
    ports = [] if options else ["--query-port", "0", "--management-port", "0"]
    done = subprocess.run([*command, *ports, *options], capture_output=True, text=True, timeout=PATIENCE_S)
    return Ended(done.returncode, done.stdout, done.stderr)


def _check_refusal(ended: Ended, code: int, *texts: str) -> None:
    assert (ended.code, ended.out) == (code, ""), ended.err
    for text in texts:
        assert text in ended.err
    assert "Traceback" not in ended.err
    assert "mistake of clipper-sls" not in ended.err


@pytest.mark.parametrize("taken_option", ["--query-port", "--management-port"])
def test_a_taken_port_is_named_with_what_to_do(tmp_path, taken_option):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        free = "--management-port" if taken_option == "--query-port" else "--query-port"
        ended = _run(tmp_path / "state", taken_option, str(port), free, "0")
    _check_refusal(ended, CONFLICT, f"Port {port} on 127.0.0.1 is in use", "choose another")


def test_a_second_engine_on_a_state_directory_is_refused_and_the_first_goes_on(tmp_path):
    with embedded_engine(tmp_path / "state") as engine:
        ended = _run(tmp_path / "state")
        _check_refusal(ended, CONFLICT, f"Another engine (pid {engine.process.pid})", "--state-dir")
        assert httpx2.get(f"{engine.query}/readyz", trust_env=False, verify=False).status_code == 200


def test_a_state_directory_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    _check_refusal(_run(tmp_path / "file"), FAILED, str(tmp_path / "file"), "start with another --state-dir")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_state_directory_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    _check_refusal(_run(tmp_path / "file" / "state"), FAILED, str(tmp_path / "file"), "start with another --state-dir")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere; the test with a read-only disk is for root")
def test_a_state_directory_that_may_not_be_written_is_refused(tmp_path):
    (tmp_path / "state").mkdir(mode=0o500)
    _check_refusal(_run(tmp_path / "state"), FAILED, str(tmp_path / "state"), "Check its permissions")


@pytest.mark.parametrize("content", [b"not a database" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_registry_that_is_no_database_is_refused_and_left_as_it_is(tmp_path, content):
    registry = tmp_path / "state" / "registry.sqlite3"
    registry.parent.mkdir()
    registry.write_bytes(content)
    _check_refusal(_run(registry.parent), FAILED, str(registry), "restore it from a copy")
    assert registry.read_bytes() == content


def test_a_registry_of_a_newer_release_is_refused(tmp_path):
    registry = tmp_path / "state" / "registry.sqlite3"
    registry.parent.mkdir()
    with sqlite3.connect(registry) as database:
        database.execute("PRAGMA user_version=999")
    database.close()
    _check_refusal(_run(registry.parent), FAILED, str(registry), "written by a newer release")


@contextmanager
def _mounted(folder: Path, options: str) -> Iterator[Path]:
    """A disk of its own; skips the test where none may be mounted."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("NOT TESTED HERE: mounting a small disk needs root on Linux")
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"NOT TESTED HERE: mounting a small disk is not permitted: {done.stderr}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_state_directory_on_a_read_only_disk_is_refused(tmp_path):
    with _mounted(tmp_path / "disk", "size=1m,ro") as disk:
        _check_refusal(_run(disk / "state"), FAILED, str(disk / "state"), "Read-only file system")


@pytest.mark.parametrize("size", ["4k", "16k", "80k"])  # no room for a database, for its log, for the runtime
def test_a_start_on_a_full_disk_is_refused(tmp_path, size):
    with _mounted(tmp_path / "disk", f"size={size}") as disk:
        _check_refusal(_run(disk / "state"), FAILED, "No space is left for", "Make room and try again")


def sums(inputs):
    return [sum(x) for x in inputs]


def chatty_sums(inputs):
    print("o" * 10_000, flush=True)
    return [sum(x) for x in inputs]


@dataclass
class OnDisk:
    """An engine on a disk of its own, with the applications `quiet` and `chatty`, which sum."""

    disk: Path
    engine: EngineUnderTest

    @cached_property
    def connection(self) -> ClipperConnection:
        connection = ClipperConnection(LocalContainerManager(state_dir=self.engine.state_dir))
        connection.connect()
        return connection

    @contextmanager
    def full(self) -> Iterator[None]:
        filler = self.disk / "filler"
        try:
            with filler.open("wb", buffering=0) as file, suppress(OSError):
                while True:
                    file.write(bytes(4096))
            assert shutil.disk_usage(self.disk).free == 0
            yield
        finally:
            filler.unlink()

    def post(self, path: str, **body: Any) -> httpx2.Response:
        return httpx2.post(f"{self.engine.query}/{path}", json=body, timeout=PATIENCE_S, trust_env=False, verify=False)

    def give_feedback(self, size: int = 1) -> httpx2.Response:
        return self.post("quiet/update", uid=1, input=[1.0] * size, label=1.0)

    def feedback_count(self) -> int:
        """What is on the disk."""
        with closing(sqlite3.connect(self.engine.state_dir / "registry.sqlite3")) as database:
            return database.execute("SELECT count(*) FROM feedback").fetchone()[0]

    def check_answers(self) -> None:
        """Of both applications; the cache is off, so it is the models that answer."""
        for name in ("quiet", "chatty"):
            answer = self.post(f"{name}/predict", input=[1.0, 2.0]).json()
            assert (answer["output"], answer["default"]) == (3.0, False), answer


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnDisk]:
    folder = tmp_path_factory.mktemp("disks") / "disk"
    with _mounted(folder, "size=8m") as disk, embedded_engine(disk / "state", ["--cache-size-bytes", "0"]) as engine:
        on_disk = OnDisk(disk, engine)
        for name, function in (("quiet", sums), ("chatty", chatty_sums)):
            create_endpoint(on_disk.connection, name, "doubles", function, slo_micros=int(PATIENCE_S * 1e6))
        yield on_disk


def test_queries_are_answered_while_the_disk_is_full(on_disk):
    with on_disk.full():
        for _ in range(3):
            on_disk.check_answers()
    on_disk.check_answers()


def test_a_change_on_a_full_disk_is_refused_and_works_once_there_is_space(on_disk):
    with on_disk.full():
        with pytest.raises(StorageFullError, match="Make room and try again") as refused:
            on_disk.connection.register_application("new", "doubles", "x" * LARGE, 100_000)
        assert "error status code: 507" in str(refused.value)
        assert sorted(on_disk.connection.get_all_apps()) == ["chatty", "quiet"]
        assert on_disk.post("new/predict", input=[1.0]).status_code == 404
        on_disk.check_answers()
    on_disk.connection.register_application("new", "doubles", "x" * LARGE, 100_000)
    assert on_disk.connection.get_app_info("new")["default_output"] == "x" * LARGE
    on_disk.connection.unregister_application("new")


def test_feedback_on_a_full_disk_is_not_acknowledged(on_disk):
    before = on_disk.feedback_count()
    with on_disk.full():
        response = on_disk.give_feedback(LARGE)
        assert (response.status_code, "Make room and try again" in response.text) == (507, True)
        assert on_disk.feedback_count() == before
        on_disk.check_answers()
    assert on_disk.give_feedback().status_code == 200
    assert on_disk.feedback_count() == before + 1


def test_a_deploy_on_a_full_disk_is_refused_and_works_once_there_is_space(on_disk):
    bundles = sorted((on_disk.engine.state_dir / "bundles").iterdir())
    ballast = os.urandom(LARGE)

    def larger_sums(inputs):
        return [sum(x) + len(ballast) for x in inputs]

    with on_disk.full():
        with pytest.raises(StorageFullError, match="Make room and try again"):
            deploy_python_closure(on_disk.connection, "quiet", 2, "doubles", larger_sums)
        assert on_disk.connection.get_current_model_version("quiet") == "1"
        assert sorted((on_disk.engine.state_dir / "bundles").iterdir()) == bundles
        on_disk.check_answers()
    deploy_python_closure(on_disk.connection, "quiet", 2, "doubles", larger_sums)
    assert on_disk.post("quiet/predict", input=[1.0]).json()["output"] == LARGE + 1
    on_disk.connection.set_model_version("quiet", "1")


def test_a_replica_that_ends_while_the_disk_is_full_comes_back(on_disk):
    (pool,) = on_disk.connection.cm.management.get_replicas("quiet", "1")
    (replica,) = pool["replicas"]
    with on_disk.full():
        os.kill(replica["pid"], signal.SIGKILL)
        on_disk.check_answers()
    on_disk.check_answers()


def test_an_engine_that_met_a_full_disk_ends_and_starts_as_ever(on_disk):
    with on_disk.full():
        assert on_disk.engine.stop() == 0
    with embedded_engine(on_disk.engine.state_dir) as engine:
        again = OnDisk(on_disk.disk, engine)
        again.check_answers()
        assert sorted(again.connection.get_all_apps()) == ["chatty", "quiet"]
