"""What is read late had been waiting: half of the time for which the loop was busy before."""

import asyncio

import pytest

from clipper_sls.http.turns import Turns


class Loop:
    """Time and processor time, as a test wants them."""

    def __init__(self) -> None:
        self.now, self.worked = 100.0, 3.0
        self.turns = Turns(lambda: self.now, lambda: self.worked)

    async def work(self, seconds: float) -> None:
        """All that one turn does."""
        self.now += seconds
        self.worked += seconds
        await asyncio.sleep(0)

    def wait(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def loop() -> Loop:
    return Loop()


async def test_who_is_read_by_a_loop_that_waited_for_something_to_do_has_just_arrived(loop: Loop) -> None:
    loop.wait(5.0)
    assert loop.turns.arrival() == 105.0


async def test_all_that_is_read_in_one_turn_arrived_before_the_first_of_it_was_read(loop: Loop) -> None:
    first = loop.turns.arrival()
    loop.now += 0.010
    loop.worked += 0.010
    assert loop.turns.arrival() == first


async def test_what_is_read_in_the_next_turn_came_in_the_middle_of_the_last_one(loop: Loop) -> None:
    loop.turns.arrival()
    await loop.work(0.040)
    assert loop.turns.arrival() == pytest.approx(100.040 - 0.020)


async def test_time_in_which_the_loop_had_nothing_to_do_does_not_count(loop: Loop) -> None:
    loop.turns.arrival()
    await loop.work(0.002)
    loop.wait(1.0)
    assert loop.turns.arrival() == pytest.approx(101.002 - 0.001)
