"""A replica that dies takes at most the row that killed it along, and comes back."""

import asyncio
import os
import signal
import sys

import pytest

from clipper_sls.domain.query import DefaultReason, Predicted
from clipper_sls.domain.replicas import Health


def doing_as_told(inputs):
    import mmap
    import os
    import signal
    import time

    for told in inputs:
        if told == "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif told == "exit":
            os._exit(3)
        elif told == "sleep":
            time.sleep(600)  # noqa: TID251 - a model that takes its time
        elif told == "share memory":
            kept = mmap.mmap(-1, 600 << 20)
            for start in range(0, len(kept), 1 << 20):
                kept[start : start + (1 << 20)] = b"x" * (1 << 20)
            time.sleep(600)  # noqa: TID251 - a model that takes its time
        elif told == "allocate":
            bytearray(4 << 30)
        elif told == "sys.exit":
            raise SystemExit(4)
    return inputs


@pytest.mark.parametrize(("order", "story"), [("segfault", "SIGSEGV"), ("exit", "exit code 3")])
async def test_a_row_that_kills_the_replica_spoils_no_other(engine, order, story):
    version = await engine.deploy(doing_as_told, batch_size=10)

    results = await engine.results(version, "a", order, "b", "c")

    assert [isinstance(result, Predicted) for result in results] == [True, False, True, True]
    assert results[1].reason is DefaultReason.MODEL_FAILED
    assert story in results[1].detail
    assert len(engine.metrics.crashes) == 2
    assert story in engine.status(version).last_error
    assert engine.status(version).replicas[0].replica_id == 3


async def test_other_callers_of_the_batch_are_answered(engine):
    version = await engine.deploy(doing_as_told, batch_size=10)

    answers = await asyncio.gather(*(engine.outputs(version, order) for order in ("a", "segfault", "b")))

    assert answers == [["a"], [DefaultReason.MODEL_FAILED], ["b"]]


async def test_sys_exit_ends_the_row_and_not_the_replica(engine):
    version = await engine.deploy(doing_as_told, batch_size=10)

    assert await engine.outputs(version, "a", "sys.exit", "b") == ["a", DefaultReason.MODEL_FAILED, "b"]
    assert engine.metrics.crashes == []


async def test_a_function_that_sleeps_for_ever_is_ended(make_engine):
    engine = await make_engine(function_timeout_s=0.3)
    version = await engine.deploy(doing_as_told, batch_size=10)

    results = await engine.results(version, "a", "sleep", "b")

    assert [isinstance(result, Predicted) for result in results] == [True, False, True]
    assert "worked on one batch for longer than 0.3 s" in results[1].detail


async def test_a_sleeping_function_delays_no_answer_past_its_deadline(make_engine):
    engine = await make_engine(function_timeout_s=0.5)
    version = await engine.deploy(doing_as_told)
    started = engine.clock.now()

    assert await engine.outputs(version, "sleep", within_s=0.2) == [DefaultReason.TIMED_OUT]
    assert engine.clock.now() - started < 0.45
    assert await engine.outputs(version, "a") == ["a"]


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's limit exists on Linux only")
async def test_one_allocation_too_many_fails_the_row_and_not_the_replica(make_engine):
    engine = await make_engine(replica_memory_mib=512)
    version = await engine.deploy(doing_as_told, batch_size=10)

    results = await engine.results(version, "a", "allocate", "b")

    assert [isinstance(result, Predicted) for result in results] == [True, False, True]
    assert "MemoryError" in results[1].detail
    assert engine.metrics.crashes == []


async def test_a_replica_that_uses_too_much_memory_is_ended(make_engine):
    engine = await make_engine(replica_memory_mib=300)
    version = await engine.deploy(doing_as_told, batch_size=10)

    results = await engine.results(version, "a", "share memory", "b")

    assert [isinstance(result, Predicted) for result in results] == [True, False, True]
    assert "used more than its memory limit of 300 MiB" in results[1].detail
    assert "used more than its memory limit of 300 MiB" in engine.log(version)


async def test_killed_replicas_under_load_cost_no_answer(engine):
    version = await engine.deploy(lambda inputs: inputs, replicas=2)
    answers = []

    async def ask_until(over):
        while not over.is_set():
            answers.extend(await engine.outputs(version, 7, within_s=10))

    over = asyncio.Event()
    async with asyncio.TaskGroup() as clients:
        for _ in range(8):
            clients.create_task(ask_until(over))
        for kill in range(1, 6):
            os.kill(engine.pids(version)[0], signal.SIGKILL)
            await engine.until(lambda kill=kill: len(engine.metrics.crashes) == kill)
            await engine.until(lambda: len(engine.pids(version)) == 2)
        over.set()

    assert set(answers) == {7}
    assert engine.status(version).health is Health.HEALTHY


async def test_a_replica_killed_while_idle_is_replaced(engine):
    version = await engine.deploy(lambda inputs: inputs)
    (pid,) = engine.pids(version)

    os.kill(pid, signal.SIGKILL)
    await engine.until(lambda: engine.pids(version) not in ([], [pid]))

    assert await engine.outputs(version, 1) == [1]
    assert "replica 1 ended with signal SIGKILL" in engine.status(version).last_error
    assert engine.status(version).consecutive_crashes == 0


@pytest.mark.processes_only
async def test_a_version_that_no_longer_starts_gets_unhealthy_and_recovers(engine, tmp_path):
    gate = tmp_path / "gate"
    version = await engine.deploy(behind(gate))
    gate.touch()

    os.kill(engine.pids(version)[0], signal.SIGKILL)
    waiting = asyncio.create_task(engine.results(version, 1))
    await engine.until(lambda: engine.status(version).health is Health.UNHEALTHY)
    await engine.until(lambda: not engine.status(version).replicas)
    at_once = await engine.results(version, 1)

    assert [result.reason for result in (*await waiting, *at_once)] == [DefaultReason.NO_REPLICA] * 2
    assert "the gate is shut" in at_once[0].detail
    assert "the gate is shut" in engine.status(version).last_error
    gate.unlink()
    await engine.until(lambda: engine.status(version).health is Health.HEALTHY)
    assert await engine.outputs(version, 1) == [1]
    assert engine.status(version).consecutive_crashes == 0


def behind(gate):
    """A function that can be loaded only while there is no such file."""

    class Gate:
        def __init__(self, path):
            self.path = path

        def __setstate__(self, state):
            import os

            self.path = state["path"]
            if os.path.exists(self.path):  # noqa: PTH110 - runs in the replica
                raise RuntimeError("the gate is shut")

    opened = Gate(str(gate))
    return lambda inputs: [x for x in inputs if opened.path]
