"""Functions that end, block or misuse their process: it is replaced, and nobody else notices."""

import importlib
import os
import signal
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from clipper_sls import ClipperException

DEADLOCKING = """
import os
import threading

LOCK = threading.Lock()
if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    LOCK.acquire()
    LOCK.acquire()

def answer(x):
    with LOCK:
        return x
"""


@pytest.mark.parametrize(
    ("order", "detail"),
    [("interrupt", "SIGINT"), ("os._exit", "exit code 3"), ("segfault", "SIGSEGV")],
)
def test_a_row_that_ends_the_process_costs_its_own_answer_only(world, order, detail):
    first, bad, second = world.ask(1, order, 2)
    assert (first["output"], second["output"]) == (2, 4)
    world.check_default(bad, detail)
    world.check_all_is_well()
    assert detail in world.pool()["last_error"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("order", "detail"),
    [
        ("wait", "worked on one batch for longer than 3 s"),
        ("share memory", "used more than its memory limit of 512 MiB and was killed"),
    ],
)
def test_a_row_that_takes_too_much_is_ended_while_the_neighbour_answers(world, order, detail):
    with ThreadPoolExecutor(1) as caller:
        asked = caller.submit(world.ask, 1, order, 2)
        while wait([asked], timeout=0.1).not_done:
            assert [answer["output"] for answer in world.ask(1, app="neighbour")] == [2]
        first, bad, second = asked.result()
    assert (first["output"], second["output"]) == (2, 4)
    world.check_default(bad, detail)
    assert detail in world.pool()["last_error"]
    world.check_all_is_well()


def test_megabytes_on_standard_output_and_error_leave_a_bounded_log(world):
    assert world.outputs("shout", 1) == ["shouted", 2]
    (replica,) = world.pool()["replicas"]
    log = Path(replica["log_path"])
    world.until(lambda: log.stat().st_size <= 1_000_000)
    assert world.ask("raise", 1)[1]["output"] == 2
    world.until(lambda: "a bad row" in log.read_text())  # it goes on being written
    world.check_all_is_well()


def test_a_function_that_changes_its_environment_and_folder_goes_on_answering(world):
    assert world.outputs("forget", 1) == ["done", 2]
    world.check_all_is_well()


def test_a_replica_that_lost_its_connections_is_replaced(world):
    assert world.ask("close descriptors", 1)[1]["output"] == 2
    world.check_all_is_well()


def test_threads_that_never_end_do_not_keep_a_replica_from_being_stopped(world):
    world.serve_naughty("threaded")
    (count,) = [answer["output"] for answer in world.ask("threads", app="threaded")]
    assert count > 20
    replicas = [psutil.Process(replica["pid"]) for replica in world.pool("threaded")["replicas"]]
    world.connection.set_num_replicas("threaded", 0)
    assert not any(replica.is_running() for replica in replicas)
    world.check_all_is_well()


def test_a_forked_child_is_ended_with_its_replica(world):
    child, _ = world.outputs("fork", 1)
    process = psutil.Process(child)
    world.check_all_is_well()
    world.check_default(world.ask("os._exit")[0], "exit code 3")
    world.until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)
    world.check_all_is_well()


def test_a_fork_that_answers_twice_ends_in_a_replica_that_answers_right(world):
    world.ask("fork and return")  # both processes talk to the engine over one connection: anything may come of it
    answers = [world.ask(x)[0] for x in range(10)]
    assert all(answer["default"] or answer["output"] == 2 * x for x, answer in enumerate(answers))
    world.until(lambda: world.ask(7)[0]["output"] == 14)
    world.check_all_is_well()


def test_a_child_that_left_the_group_does_not_keep_its_replica_from_being_replaced(world):
    (child,) = world.outputs("fork a daemon")
    try:
        world.check_default(world.ask("os._exit")[0], "exit code 3")
        world.check_all_is_well()
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


@pytest.mark.slow
def test_a_function_whose_import_deadlocks_is_not_deployed_while_the_neighbour_answers(world, tmp_path, monkeypatch):
    (tmp_path / "deadlocking.py").write_text(DEADLOCKING)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("deadlocking")
    with ThreadPoolExecutor(1) as caller:
        deployed = caller.submit(world.serve, "stuck", lambda inputs: [module.answer(x) for x in inputs])
        while wait([deployed], timeout=0.1).not_done:
            assert [answer["output"] for answer in world.ask(1, app="neighbour")] == [2]
        with pytest.raises(ClipperException, match="was not ready within 15 s and was killed"):
            deployed.result()
    assert world.connection.get_model_info("stuck", 1) is None
    world.check_all_is_well()
