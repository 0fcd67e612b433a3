"""The newest query is looked at first, for a few milliseconds at a time; what is too old is given up at once."""

import asyncio
from dataclasses import dataclass, field

import pytest

from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import Application
from clipper_sls.http.inbox import WORK_S, Inbox, Letter

SHOP = Application(AppName("shop"), InputType.STRINGS, "-1", 100_000)


@dataclass
class Desk:
    """Looking at a letter takes `look_s` of a time that nothing else moves."""

    now: float = 100.0
    look_s: float = 0.0001
    looked_at: list[bytes] = field(default_factory=list)
    given_up: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.inbox = Inbox(lambda: self.now, look=self._look, give_up=self._give_up)

    def put(self, *names: bytes, age_s: float = 0.0) -> None:
        for name in names:
            self.inbox.put(Letter(SHOP, name, self.now - age_s, lambda answer: None))

    def _look(self, letter: Letter) -> None:
        self.looked_at.append(letter.content)
        self.now += self.look_s

    def _give_up(self, letter: Letter) -> None:
        self.given_up.append(letter.content)


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_nothing_is_looked_at_while_there_is_something_to_read(desk: Desk) -> None:
    desk.put(b"a")
    assert desk.looked_at == []
    await asyncio.sleep(0)
    assert desk.looked_at == [b"a"]


async def test_the_newest_comes_first(desk: Desk) -> None:
    desk.put(b"a", b"b", b"c")
    await asyncio.sleep(0)
    assert desk.looked_at == [b"c", b"b", b"a"]


async def test_after_a_while_others_have_their_turn_and_then_it_goes_on(desk: Desk) -> None:
    desk.look_s = WORK_S
    desk.put(b"a", b"b")
    await asyncio.sleep(0)
    assert desk.looked_at == [b"b"]
    desk.put(b"c")
    for _ in range(3):
        await asyncio.sleep(0)
    assert desk.looked_at == [b"b", b"c", b"a"]


async def test_what_is_too_old_is_given_up_and_costs_no_look(desk: Desk) -> None:
    desk.look_s = WORK_S
    desk.put(b"old", b"older", age_s=0.06)
    desk.put(b"new")
    await asyncio.sleep(0)
    assert (desk.given_up, desk.looked_at) == ([b"old", b"older"], [b"new"])


async def test_what_grows_old_while_others_are_looked_at_is_given_up(desk: Desk) -> None:
    desk.look_s = 0.051
    desk.put(b"first", b"last")
    for _ in range(2):
        await asyncio.sleep(0)
    assert (desk.looked_at, desk.given_up) == ([b"last"], [b"first"])


async def test_answers_that_come_too_late_make_it_give_up_sooner(desk: Desk) -> None:
    late = Letter(SHOP, b"", desk.now - 0.2, lambda answer: None)
    for _ in range(100):
        desk.inbox.answered(late)
    desk.put(b"a", age_s=0.01)
    await asyncio.sleep(0)
    assert desk.given_up == [b"a"]
