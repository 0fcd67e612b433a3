"""Reading a switch of versions out of what a crowd was answered."""

from dataclasses import dataclass

from examples.demo.asking import Answer, Tally
from examples.demo.claims import Claims

LEAST_ANSWERS = 20
"""On each side of a switch; fewer would prove little."""


@dataclass(frozen=True, slots=True)
class Switch:
    """What `answers` say about a switch from the version `before` to the version `after`."""

    answers: list[Answer]
    before: str
    after: str

    @property
    def moment(self) -> float:
        """When the first answer of the new version arrived, in seconds of time.monotonic; for ever if none did."""
        return min((answer.received_at for answer in self.answers if answer.by == self.after), default=float("inf"))

    def late(self) -> list[Answer]:
        """Questions sent after the moment that the old version answered all the same."""
        return [answer for answer in self.answers if answer.sent_at > self.moment and answer.by == self.before]


def count(answers: list[Answer], by: str) -> int:
    """How many a model has given; the list may grow meanwhile."""
    return sum(answer.by == by for answer in list(answers))


def check_switch(claims: Claims, what: str, switch: Switch) -> None:
    """Claim that nobody noticed but by better, or worse, answers."""
    tally = Tally.of(switch.answers)
    claims.check(f"no request fails during the {what}", str(tally), held=not tally.problems)
    before, after = count(switch.answers, switch.before), count(switch.answers, switch.after)
    claims.check(
        f"the {what} is one moment in the answers",
        f"{before} {switch.before}, then {after} {switch.after}, {len(switch.late())} out of order",
        held=min(before, after) >= LEAST_ANSWERS and not switch.late(),
    )
