"""Starting, finding and ending an engine in the background."""

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from clipper_sls import ClipperConnection, ClipperException, UnconnectedException
from clipper_sls.errors import EngineRunningError, EngineStartError
from clipper_sls.sdk.engine_process import find_engine

NOOP = "clipper/noop-container:develop"


def _started(manager):
    connection = ClipperConnection(manager)
    connection.start_clipper()
    return connection


def _process_of(state_dir):
    return find_engine(state_dir).process


def test_a_started_cluster_answers_at_once_and_is_found_by_name(new_manager):
    first = _started(new_manager())
    first.register_application("a", "doubles", "0", 100_000)
    second = ClipperConnection(new_manager())
    second.connect()
    assert second.get_all_apps() == ["a"]
    assert second.get_query_addr() == first.get_query_addr()


def test_a_running_cluster_is_not_started_twice(new_manager):
    _started(new_manager())
    with pytest.raises(EngineRunningError, match="cannot be started because it already exists"):
        _started(new_manager())


@pytest.mark.parametrize("graceful", [True, False])
def test_a_stopped_cluster_is_gone_with_its_replicas_and_forgotten(new_manager, graceful):
    manager = new_manager()
    connection = _started(manager)
    connection.deploy_model("m", 1, "doubles", NOOP)
    engine = _process_of(manager.state_dir)
    replicas = engine.children(recursive=True)
    assert replicas
    ClipperConnection(new_manager()).stop_all(graceful=graceful)  # another one, and never connected
    assert not engine.is_running()
    assert psutil.wait_procs(replicas, timeout=10)[1] == []
    assert not manager.state_dir.exists()
    with pytest.raises(UnconnectedException):
        connection.get_all_apps()


def test_what_is_registered_may_be_kept(new_manager):
    connection = _started(new_manager(keep_state=True))
    connection.register_application("a", "doubles", "0", 100_000)
    connection.deploy_model("m", 1, "doubles", NOOP)
    connection.stop_all()
    again = _started(new_manager(keep_state=True))
    assert again.get_all_apps() == ["a"]
    assert again.get_num_replicas("m") == 1


def test_ports_that_are_taken_are_moved(new_manager, tmp_path):
    first = _started(new_manager())
    taken = first.cm.clipper_query_port
    second = new_manager("second", clipper_query_port=taken, state_dir=tmp_path / "second")
    moved = _started(second)
    assert second.clipper_query_port != taken
    assert moved.inspect_instance()


def test_clusters_do_not_see_each_other(new_manager, tmp_path):
    first = _started(new_manager())
    second = _started(new_manager("second", state_dir=tmp_path / "second"))
    first.register_application("a", "doubles", "0", 100_000)
    assert second.get_all_apps() == []


def test_the_engine_outlives_the_script_that_started_it(new_manager, tmp_path):
    script = (
        "from clipper_sls import ClipperConnection, LocalContainerManager\n"
        f"manager = LocalContainerManager('lifecycle', 0, 0, state_dir={str(tmp_path / 'state')!r})\n"
        "ClipperConnection(manager).start_clipper()\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, timeout=60)
    connection = ClipperConnection(new_manager())
    connection.connect()
    assert connection.get_all_apps() == []


def test_an_engine_that_was_killed_is_started_again_with_what_was_registered(new_manager):
    manager = new_manager()
    connection = _started(manager)
    connection.register_application("a", "doubles", "0", 100_000)
    engine = _process_of(manager.state_dir)
    engine.kill()
    engine.wait(10)
    with pytest.raises(ClipperException):
        ClipperConnection(new_manager()).connect()
    assert _started(new_manager()).get_all_apps() == ["a"]


def test_an_engine_that_does_not_start_says_why(new_manager, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "registry.sqlite3").write_text("this is no database, but long enough to look at " * 100)
    with pytest.raises(EngineStartError, match=r"engine\.log"):
        _started(new_manager())


@pytest.fixture
def engine_by_hand(tmp_path):
    """`clipper-sls dev` in the foreground of somebody's terminal; the content of its ready file."""
    ready_file = tmp_path / "ready.json"
    command = [sys.executable, "-m", "clipper_sls", "dev", "--query-port", "0", "--management-port", "0"]
    command += ["--state-dir", str(tmp_path / "by-hand"), "--ready-file", str(ready_file)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _wait_for(ready_file, process)
        yield json.loads(ready_file.read_text())
        process.kill()


def _wait_for(ready_file, process):
    for _ in range(1500):
        if ready_file.exists():
            return
        with suppress(subprocess.TimeoutExpired):
            pytest.fail(f"the engine ended with {process.wait(timeout=0.02)}")
    pytest.fail("the engine was not ready after 30 s")


def _port(url):
    return int(url.rsplit(":", 1)[1])


def test_an_engine_that_was_started_by_hand_is_found_by_its_ports(new_manager, engine_by_hand, tmp_path):
    manager = new_manager(
        clipper_query_port=_port(engine_by_hand["query"]),
        clipper_management_port=_port(engine_by_hand["management"]),
    )
    connection = ClipperConnection(manager)
    connection.connect()
    connection.deploy_model("m", 1, "doubles", NOOP)
    assert connection.get_all_models() == ["m:1"]
    assert len(connection.get_clipper_logs(str(tmp_path / "logs"))) == 2

    connection.stop_all()
    assert not psutil.pid_exists(engine_by_hand["pid"]) or (
        psutil.Process(engine_by_hand["pid"]).status() == psutil.STATUS_ZOMBIE
    )
    assert (tmp_path / "by-hand" / "registry.sqlite3").exists()


def test_the_size_of_the_cache_is_taken(new_manager):
    manager = new_manager()
    ClipperConnection(manager).start_clipper(cache_size=1000)
    command = _process_of(manager.state_dir).cmdline()
    assert command[command.index("--cache-size-bytes") + 1] == "1000"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "expected"), [("basic_query.py", '"default":false'), ("digits.py", "right over HTTP")]
)
def test_an_example_runs_and_leaves_nothing_behind(tmp_path, monkeypatch, script, expected):
    pytest.importorskip("requests" if script == "basic_query.py" else "sklearn")
    path = Path(__file__).parents[3] / "examples" / script
    monkeypatch.setenv("CLIPPER_SLS_STATE_ROOT", str(tmp_path))
    ran = subprocess.run([sys.executable, str(path), "2"], capture_output=True, text=True, timeout=100, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert expected in ran.stdout
    assert list(tmp_path.iterdir()) == []
