import asyncio

from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.testing import ManualClock


async def test_a_manual_clock_wakes_those_whose_moment_has_come_and_no_others() -> None:
    clock, woken = ManualClock(now=10.0), []

    async def sleeper(moment: float) -> None:
        await clock.sleep_until(moment)
        woken.append(moment)

    tasks = [asyncio.create_task(sleeper(moment)) for moment in (9.0, 11.0, 12.0)]
    await asyncio.sleep(0)
    assert woken == [9.0]
    await clock.advance(1.0)
    assert woken == [9.0, 11.0]
    await clock.advance(1.0)
    await asyncio.gather(*tasks)
    assert woken == [9.0, 11.0, 12.0]


async def test_a_manual_clock_moves_both_its_readings() -> None:
    clock = ManualClock(now=10.0, wall=1000.0)
    await clock.advance(2.5)
    assert (clock.now(), clock.wall()) == (12.5, 1002.5)


async def test_the_system_clock_runs_with_the_event_loop_and_sleeps_until_its_moment() -> None:
    clock = SystemClock()
    assert abs(clock.now() - asyncio.get_running_loop().time()) < 1.0
    moment = clock.now() + 0.01
    await clock.sleep_until(moment)
    assert clock.now() >= moment
    await clock.sleep_until(moment - 100)
