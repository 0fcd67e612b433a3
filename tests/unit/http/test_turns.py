"""What is read late had been waiting: half of the turn before, if there was one."""

import asyncio

import pytest

from clipper_sls.http.turns import Turns


class Loop:
    """Time and processor time, as a test wants them."""

    def __init__(self) -> None:
        self.now, self.worked = 100.0, 3.0
        self.turns = Turns(lambda: self.now, lambda: self.worked)

    def work(self, seconds: float) -> None:
        self.now += seconds
        self.worked += seconds

    async def read_on(self) -> None:
        await asyncio.sleep(0)


@pytest.fixture
def loop() -> Loop:
    return Loop()


async def test_the_first_request_has_just_arrived_whatever_was_done_before(loop: Loop) -> None:
    loop.work(5.0)
    assert loop.turns.arrival() == 105.0


async def test_all_that_is_read_in_one_turn_arrived_before_the_first_of_it_was_read(loop: Loop) -> None:
    first = loop.turns.arrival()
    loop.work(0.010)
    assert loop.turns.arrival() == first


async def test_what_is_read_in_the_next_turn_came_in_the_middle_of_the_last_one(loop: Loop) -> None:
    loop.turns.arrival()
    loop.work(0.040)
    await loop.read_on()
    assert loop.turns.arrival() == pytest.approx(100.040 - 0.020)
    assert loop.turns.last_s == pytest.approx(0.040)


async def test_what_comes_to_a_loop_with_nothing_to_do_is_read_at_once(loop: Loop) -> None:
    loop.turns.arrival()
    loop.work(0.040)
    await loop.read_on()
    await loop.read_on()  # nothing came
    loop.work(0.500)  # something else
    assert loop.turns.arrival() == pytest.approx(100.540)
    assert loop.turns.last_s == 0.0


async def test_time_in_which_others_had_the_processor_does_not_count(loop: Loop) -> None:
    loop.turns.arrival()
    loop.work(0.002)
    loop.now += 1.0
    await loop.read_on()
    assert loop.turns.arrival() == pytest.approx(101.002 - 0.001)
