"""Who may wait in a queue that is too long for all. Pure.

A row that cannot be answered in time is refused at once: it would be answered too late, and make others late, too.
Of several callers that ask one model each may fill its fair share of what can be answered; what one of them leaves is
the others' (max-min fairness; Bertsekas and Gallager, Data Networks, section 6.5.2).

Replicas work in rounds: each takes a batch, and all batches of a round are over after `round_s`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from clipper_sls.domain.batching import BatchingPolicy
from clipper_sls.domain.batching.latency_line import LatencyLine
from clipper_sls.domain.demand import Demand

CERTAIN_AFTER_BATCHES = 5
"""The first ones may be slow, and everybody may wait."""
LATE_SHARE = 0.01
"""Of those who were admitted; so many may be answered too late."""
LEAST_RESERVE, MOST_RESERVE, RESERVE_STEP = 1.1, 2.0, 0.02
"""By how much predictions are stretched: they are means, and who is admitted last must be in time, too."""
ALWAYS_ADMITTED = 0.5
"""Of a round; so much must be able to wait, or there would be no batches."""
SHORTEST_S = 1e-6
"""Of any round: it is divided by."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What a caller gets of a round: rows, and how long it takes. No rows: nobody knows yet."""

    rows: float
    round_s: float


UNKNOWN = Pace(0.0, 0.0)


class Admission:
    """Learns who asks for how much. `line` tells what batches take, `policy` how large they will be."""

    def __init__(self, policy: BatchingPolicy, line: LatencyLine) -> None:
        self._policy = policy
        self._line = line
        self._batches = 0
        self._demand = Demand()
        self._paces: dict[str, Pace] = {}  # since the last batch
        self._reserve = LEAST_RESERVE

    def learnt(self) -> None:
        """The line and the policy know of one more batch; what was told before does not hold any more."""
        self._batches += 1
        self._paces.clear()

    def in_time(self, calls: int) -> None:
        """So many calls were answered by their deadlines."""
        self._reserve = max(LEAST_RESERVE, self._reserve - calls * RESERVE_STEP * LATE_SHARE)

    def late(self) -> None:
        """A call was not answered by its deadline."""
        self._reserve = min(MOST_RESERVE, self._reserve + RESERVE_STEP * (1.0 - LATE_SHARE))

    def asked(self, caller: str, rows: int) -> None:
        """`caller` asks for `rows`, whether they are admitted or not."""
        self._demand.add(caller, rows)

    def free_rows(self, caller: str) -> float:
        """While fewer rows of `caller` wait there is nothing to ask; 0 before the first question after a batch."""
        pace = self._paces.get(caller)
        return 0.0 if pace is None else (ALWAYS_ADMITTED * pace.rows if pace.rows else inf)

    def wait_s(
        self, caller: str, budget_s: float, *, queued_rows: int, replicas: int, busy_for_s: float, now: float
    ) -> float:
        """How long the next row of `caller` will take until it is answered, as far as can be told.

        0 when it cannot, and while there is less than half a batch for each replica. `queued_rows` are those of this
        caller, `busy_for_s` is how long the oldest batch has been under way, infinite where a replica is idle.
        """
        pace = self._paces.get(caller)
        if pace is None:
            pace = self._paces[caller] = self._pace(caller, budget_s, replicas, now)
        if queued_rows < ALWAYS_ADMITTED * pace.rows or not pace.rows:
            return 0.0
        round_s = self._reserve * pace.round_s
        return max(0.0, round_s - busy_for_s) + (int(queued_rows / pace.rows) + 1) * round_s

    def _pace(self, caller: str, budget_s: float, replicas: int, now: float) -> Pace:
        size = self._policy.settled_size(budget_s)
        if size is None or not replicas or self._batches < CERTAIN_AFTER_BATCHES:
            return UNKNOWN
        round_s, rows = max(SHORTEST_S, self._line.latency_s(size)), float(size * replicas)
        capacity = rows / round_s
        return Pace(max(1.0, rows * fair_rate(caller, self._demand.rates(now), capacity) / capacity), round_s)


def fair_rate(caller: str, demands: Mapping[str, float], capacity: float) -> float:
    """What of `capacity` there is for `caller`, however much it wants: an equal share, and what others leave."""
    left, takers = capacity, len(demands.keys() | {caller})
    for wanted in sorted(wanted for other, wanted in demands.items() if other != caller):
        left -= min(wanted, left / takers)
        takers -= 1
    return left
