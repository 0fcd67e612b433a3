"""Whoever waits for the end of the work hears of it."""

import asyncio

from clipper_sls.adapters.engine.draining import Draining


async def test_nobody_waits_where_nothing_is_left_to_do():
    await asyncio.wait_for(Draining(lambda: True).wait(), 1.0)


async def test_all_who_wait_hear_of_the_end_and_not_before():
    left = [1]
    draining = Draining(lambda: not left)
    waiting = [asyncio.create_task(draining.wait()) for _ in range(2)]
    await asyncio.sleep(0)
    draining.check()
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)

    left.clear()
    draining.check()

    await asyncio.wait_for(asyncio.gather(*waiting), 1.0)
