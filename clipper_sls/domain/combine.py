"""When to stop waiting for models and answer."""

from collections.abc import Set
from dataclasses import dataclass

from clipper_sls.domain.query import Deadline


@dataclass(frozen=True, slots=True)
class Wait:
    """Not all answers are in; wait for the next one, until this time at most."""

    until: Deadline


@dataclass(frozen=True, slots=True)
class Respond:
    """Answer now, with what has arrived."""

    is_complete: bool


def decide(missing: Set[int], now: float, deadline: Deadline) -> Wait | Respond:
    """Wait while an answer is missing and there is time left; `missing` holds the indices of the tasks still out."""
    if not missing:
        return Respond(is_complete=True)
    if now >= deadline:
        return Respond(is_complete=False)
    return Wait(deadline)
