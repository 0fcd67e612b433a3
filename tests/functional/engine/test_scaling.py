"""More and fewer replicas, by order and by need."""

import asyncio

import pytest

from clipper_sls.domain.query import DefaultReason
from clipper_sls.domain.records import Scaling
from clipper_sls.domain.replicas import Health
from clipper_sls.errors import InvalidSettingError, ModelStartError, NoReplicaError


def napping(inputs):
    import time

    time.sleep(0.3)  # noqa: TID251 - a model that takes its time
    return inputs


async def test_scaling_up_returns_when_the_new_ones_are_ready(engine):
    version = await engine.deploy(lambda inputs: inputs)

    await engine.pools.scale(version.id, Scaling.fixed(3))

    assert engine.status(version).ready_replicas == 3
    assert engine.status(version).scaling == Scaling.fixed(3)


async def test_scaling_down_lets_batches_finish(engine):
    version = await engine.deploy(napping, replicas=3, batch_size=1)
    asked = asyncio.create_task(engine.outputs(version, 1, 2, 3))
    await engine.until(lambda: all(r.state == "busy" for r in engine.status(version).replicas))

    await engine.pools.scale(version.id, Scaling.fixed(1))

    assert len(engine.status(version).replicas) == 1
    assert await asked == [1, 2, 3]
    assert engine.metrics.crashes == []


async def test_scaling_down_does_not_wait_for_ever(make_engine):
    engine = await make_engine(drain_timeout_s=0.2)

    def sleep(inputs):
        import time

        time.sleep(600)  # noqa: TID251 - a model that takes its time

    version = await engine.deploy(sleep, replicas=2, batch_size=1)
    asked = asyncio.create_task(engine.outputs(version, 1, 2, within_s=1.0))
    await engine.until(lambda: all(r.state == "busy" for r in engine.status(version).replicas))
    started = engine.clock.now()

    await engine.pools.scale(version.id, Scaling.fixed(1))

    assert engine.clock.now() - started < 1.0
    assert await asked == [DefaultReason.TIMED_OUT] * 2


@pytest.mark.processes_only
async def test_replicas_that_cannot_start_leave_the_old_number(engine, tmp_path):
    shut = str(tmp_path / "shut")

    class Gate:
        def __init__(self):
            self.path = shut

        def __setstate__(self, state):
            import os

            if os.path.exists(state["path"]):  # noqa: PTH110 - runs in the replica
                raise RuntimeError("the gate is shut")

    gate = Gate()
    version = await engine.deploy(lambda inputs: [x for x in inputs if gate], replicas=2)
    pids = engine.pids(version)
    (tmp_path / "shut").touch()

    with pytest.raises(ModelStartError, match="the gate is shut"):
        await engine.pools.scale(version.id, Scaling.fixed(4))
    await engine.until(lambda: len(engine.status(version).replicas) == 2)

    assert engine.pids(version) == pids
    assert engine.status(version).scaling == Scaling.fixed(2)
    assert await engine.outputs(version, 1) == [1]


async def test_an_idle_version_falls_asleep_and_wakes_when_asked(make_engine):
    engine = await make_engine(idle_limit_s=0.3)
    version = await engine.deploy(lambda inputs: inputs, replicas=(0, 2))

    await engine.until(lambda: engine.status(version).replicas == ())
    assert engine.status(version).health is Health.ASLEEP

    assert await engine.outputs(version, 1) == [1]
    assert engine.status(version).health is Health.HEALTHY
    await engine.until(lambda: engine.status(version).health is Health.ASLEEP)
    assert engine.metrics.crashes == []


async def test_replicas_are_added_while_rows_wait_and_removed_when_idle(make_engine):
    engine = await make_engine(idle_limit_s=0.5)
    version = await engine.deploy(napping, replicas=(1, 3), batch_size=1)

    asked = asyncio.create_task(engine.outputs(version, *range(12)))
    await engine.until(lambda: engine.status(version).ready_replicas == 3)

    assert await asked == list(range(12))
    await engine.until(lambda: len(engine.status(version).replicas) == 1)


async def test_a_version_that_is_switched_off_answers_at_once_that_it_is(engine):
    version = await engine.deploy(napping, batch_size=1)
    asked = asyncio.create_task(engine.outputs(version, 1, 2))
    await engine.until(lambda: engine.status(version).replicas[0].state == "busy")

    await engine.pools.scale(version.id, Scaling.fixed(0))

    assert await asked == [1, DefaultReason.NO_REPLICA]
    assert await engine.outputs(version, 3) == [DefaultReason.NO_REPLICA]
    assert engine.status(version).health is Health.OFF
    assert engine.status(version).replicas == ()


async def test_a_version_that_was_switched_off_comes_back(engine):
    version = await engine.deploy(lambda inputs: inputs, replicas=0)
    await engine.until(lambda: engine.status(version).replicas == ())

    await engine.pools.scale(version.id, Scaling.fixed(1))

    assert await engine.outputs(version, 1) == [1]


async def test_what_is_not_hosted_cannot_be_scaled(engine):
    version = engine.bundle(lambda inputs: inputs)

    with pytest.raises(NoReplicaError):
        await engine.pools.scale(version.id, Scaling.fixed(1))


async def test_more_replicas_than_the_machine_may_run_are_refused(make_engine):
    engine = await make_engine(max_replicas=2)
    version = await engine.deploy(lambda inputs: inputs)

    with pytest.raises(InvalidSettingError, match="at most 2 are taken"):
        await engine.pools.scale(version.id, Scaling(1, 3))

    assert engine.status(version).scaling == Scaling.fixed(1)
    assert await engine.outputs(version, 1) == [1]
