"""However the pools end, no process stays behind."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from clipper_sls.domain.query import DefaultReason

SCRIPT = Path(__file__).parent / "pools_in_a_process.py"


def napping(inputs):
    import time

    time.sleep(0.3)  # noqa: TID251 - a model that takes its time
    return inputs


def is_running(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_closing_ends_every_replica(engine):
    one = await engine.deploy(lambda inputs: inputs, name="one", replicas=2)
    two = await engine.deploy(lambda inputs: inputs, name="two")
    pids = engine.pids(one) + engine.pids(two)

    await engine.pools.close()

    assert len(pids) == 3
    assert not any(is_running(pid) for pid in pids)
    assert engine.pools.pools() == []
    assert engine.metrics.crashes == []


async def test_closing_twice_is_no_error(engine):
    await engine.deploy(lambda inputs: inputs)

    await engine.pools.close()
    await engine.pools.close()


async def test_stopping_answers_what_waits(engine):
    version = await engine.deploy(napping, batch_size=1)
    asked = asyncio.create_task(engine.outputs(version, 1, 2, 3))
    await engine.until(lambda: engine.status(version).queued_rows == 2)

    stopping = asyncio.create_task(engine.pools.stop(version.id))
    await asyncio.sleep(0)
    refused = await engine.outputs(version, 4)
    await stopping

    assert refused == [DefaultReason.NO_REPLICA]
    assert await asked == [1, 2, 3]
    assert engine.pools.pools() == []


async def test_stopping_does_not_wait_for_ever(make_engine):
    engine = await make_engine(drain_timeout_s=0.2)

    def sleep(inputs):
        import time

        time.sleep(600)  # noqa: TID251 - a model that takes its time

    version = await engine.deploy(sleep, batch_size=1)
    asked = asyncio.create_task(engine.outputs(version, 1, 2))
    await engine.until(lambda: engine.status(version).queued_rows == 1)

    await engine.pools.stop(version.id)

    assert await asked == [DefaultReason.NO_REPLICA] * 2


async def test_stopping_what_is_not_hosted_is_no_error(engine):
    await engine.pools.stop(engine.bundle(lambda inputs: inputs).id)


@pytest.mark.processes_only
async def test_processes_that_the_model_started_end_with_its_replica(engine):
    def starting_another(inputs):
        import subprocess

        return [subprocess.Popen(["sleep", "600"]).pid for _ in inputs]

    version = await engine.deploy(starting_another)
    (child,) = await engine.outputs(version, 0)
    assert is_running(child)

    await engine.pools.close()

    await engine.until(lambda: not is_running(child))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_replicas_end_with_an_engine_that_cannot_end_them(engine, runtime_path, number):
    version = engine.bundle(lambda inputs: inputs)
    arguments = (engine.state_dir, engine.bundle_folder, version.bundle_digest, runtime_path)
    process = await asyncio.create_subprocess_exec(
        sys.executable, SCRIPT, *map(str, arguments), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        pids = [int(pid) for pid in (await process.stdout.readline()).split()]
        assert len(pids) == 2
        assert all(is_running(pid) for pid in pids)
    finally:
        process.send_signal(number)
        await process.communicate()

    await engine.until(lambda: not any(is_running(pid) for pid in pids))
