"""Starting a version: it gets ready, or says why not and leaves nothing behind."""

import asyncio
import os
import signal
from dataclasses import replace

import pytest

from clipper_sls.domain.query import DefaultReason
from clipper_sls.domain.records import Scaling
from clipper_sls.domain.replicas import Health, ReplicaState
from clipper_sls.errors import ContainerlessModelError, InvalidBundleError, ModelStartError, ModelStartTimeoutError


def that_when_loaded(action):
    """A function that calls `action` when it is unpickled in the replica."""

    class Loaded:
        def __init__(self):
            self.action = action

        def __setstate__(self, state):
            state["action"]()

    loaded = Loaded()
    return lambda inputs: [x for x in inputs if loaded]


def fail():
    print("about to fail")
    raise RuntimeError("no weights here")


def sleep():
    import time

    print("still loading")
    time.sleep(600)  # noqa: TID251 - a model that takes its time


def end():
    import os

    print("giving up")
    os._exit(7)


async def test_a_function_that_cannot_be_loaded_is_refused_with_its_error_and_log(engine):
    version = engine.bundle(that_when_loaded(local(fail)))

    with pytest.raises(ModelStartError) as refused:
        await engine.pools.start(version)

    assert "no weights here" in str(refused.value)
    assert "about to fail" in str(refused.value)
    assert "m:1" in str(refused.value)
    assert engine.pools.pools() == []
    assert await engine.outputs(version, 1) == [DefaultReason.NO_REPLICA]


async def test_a_replica_that_ends_while_it_loads_is_reported_with_its_exit_code(engine):
    with pytest.raises(ModelStartError) as refused:
        await engine.deploy(that_when_loaded(local(end)), replicas=2)

    assert "ended with exit code 7" in str(refused.value)
    assert "giving up" in str(refused.value)


async def test_a_replica_that_is_not_ready_in_time_is_ended(make_engine):
    engine = await make_engine(start_timeout_s=2.0)

    with pytest.raises(ModelStartTimeoutError) as refused:
        await engine.deploy(that_when_loaded(local(sleep)))

    assert "not ready within 2 s" in str(refused.value)
    assert "still loading" in str(refused.value)


async def test_a_bundle_that_was_changed_is_not_run(engine):
    version = engine.bundle(lambda inputs: inputs)
    (engine.bundle_folder / version.bundle_digest / "func.pkl").write_bytes(b"other")

    with pytest.raises(ModelStartError, match="changed after it was deployed"):
        await engine.pools.start(version)


async def test_a_bundle_that_is_absent_is_an_error(engine):
    version = replace(engine.bundle(lambda inputs: inputs), bundle_digest="0" * 64)

    with pytest.raises(InvalidBundleError):
        await engine.pools.start(version)

    assert engine.pools.pools() == []


async def test_a_replica_whose_log_cannot_be_written_is_an_error(engine):
    engine.state_dir.mkdir()
    (engine.state_dir / "logs").write_text("in the way")

    with pytest.raises(ModelStartError, match="could not be started"):
        await engine.deploy(lambda inputs: inputs)


async def test_a_version_without_a_bundle_cannot_be_hosted(engine):
    version = replace(engine.bundle(lambda inputs: inputs), bundle_digest=None)

    with pytest.raises(ContainerlessModelError):
        await engine.pools.start(version)


async def test_starting_what_is_hosted_is_no_error(engine):
    version = await engine.deploy(lambda inputs: inputs)

    await engine.pools.start(version)

    assert len(engine.pools.pools()) == 1
    assert len(engine.status(version).replicas) == 1


async def test_a_start_that_is_cancelled_leaves_nothing_behind(engine):
    version = engine.bundle(that_when_loaded(local(sleep)))
    starting = asyncio.create_task(engine.pools.start(version))
    await engine.until(lambda: engine.pools.pools() and engine.status(version).replicas[0].pid)
    pid = engine.status(version).replicas[0].pid

    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)

    assert engine.pools.pools() == []
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_version_that_may_sleep_is_started_once_to_see_it_start(engine):
    with pytest.raises(ModelStartError):
        await engine.deploy(that_when_loaded(local(fail)), replicas=(0, 2))

    version = await engine.deploy(lambda inputs: inputs, replicas=(0, 2))
    assert engine.status(version).ready_replicas == 1


async def test_a_resumed_version_settles_and_answers(engine):
    version = engine.bundle(lambda inputs: inputs, replicas=2)

    await engine.pools.resume(version)
    assert engine.status(version).health is Health.STARTING
    waiting = asyncio.create_task(engine.outputs(version, 1))
    await engine.pools.settled(30.0)

    assert engine.status(version).ready_replicas == 2
    assert await waiting == [1]


@pytest.mark.processes_only
async def test_a_resumed_version_that_fails_is_settled_and_tried_again(engine, tmp_path):
    path = str(tmp_path / "weights")

    def read():
        with open(path) as file:  # noqa: PTH123 - runs in the replica
            print(file.read())

    version = engine.bundle(that_when_loaded(read))

    await engine.pools.resume(version)
    await engine.pools.settled(30.0)
    assert engine.status(version).health is Health.DEGRADED
    assert "weights" in engine.status(version).last_error
    (tmp_path / "weights").write_text("here")
    await engine.until(lambda: engine.status(version).health is Health.HEALTHY)

    assert await engine.outputs(version, 1) == [1]


async def test_settling_ends_in_time(engine):
    await engine.pools.resume(engine.bundle(that_when_loaded(local(sleep))))
    started = engine.clock.now()

    await engine.pools.settled(0.2)

    assert 0.15 < engine.clock.now() - started < 0.5


async def test_a_resumed_version_that_may_sleep_stays_asleep_until_asked(engine):
    version = engine.bundle(lambda inputs: inputs, replicas=(0, 1))

    await engine.pools.resume(version)
    await engine.pools.settled(30.0)
    assert engine.status(version).health is Health.ASLEEP

    assert await engine.outputs(version, 1) == [1]


async def test_ids_of_replicas_are_not_used_again(make_engine):
    first = await make_engine()
    version = await first.deploy(lambda inputs: inputs, replicas=2)
    os.kill(first.pids(version)[0], signal.SIGKILL)
    await first.until(lambda: [r.replica_id for r in first.status(version).replicas] == [2, 3])
    await first.until(lambda: first.status(version).ready_replicas == 2)
    await first.pools.close()

    second = await make_engine()
    await second.pools.resume(version)
    await second.pools.settled(30.0)

    assert [r.replica_id for r in second.status(version).replicas] == [4, 5]
    assert [path.name for path in second.pools.log_files(version.id)] == [f"{n}.log" for n in range(1, 6)]


async def test_many_replicas_start_a_few_at_a_time(engine):
    version = engine.bundle(lambda inputs: inputs, replicas=10)
    starting = asyncio.create_task(engine.pools.start(version))
    await asyncio.sleep(0)

    assert [r.state for r in engine.status(version).replicas] == [ReplicaState.STARTING] * 8
    await starting
    assert engine.status(version).ready_replicas == 10
    assert engine.status(version).scaling == Scaling.fixed(10)


def local(function):
    """The function as one that travels by value."""
    return lambda: function()
