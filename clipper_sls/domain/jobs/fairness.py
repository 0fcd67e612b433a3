"""Which messages come next, when several groups have some waiting. Pure."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


def take_fairly(waiting: Mapping[str, Sequence[T]], in_flight: Mapping[str, int], most: int) -> list[T]:
    """At most `most` of what waits, each time the oldest of the group that is being worked on least.

    `waiting` has the oldest of each group first; of groups that are even, the first one named comes first. So a group
    with ten thousand messages does not keep one with a single message waiting.
    """
    taken = {group: 0 for group, messages in waiting.items() if messages}
    found: list[T] = []
    while taken and len(found) < most:
        group = min(taken, key=lambda group: in_flight.get(group, 0) + taken[group])
        found.append(waiting[group][taken[group]])
        taken[group] += 1
        if taken[group] == len(waiting[group]):
            del taken[group]
    return found
