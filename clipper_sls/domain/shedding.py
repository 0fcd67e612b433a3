"""Which queries are answered unread, when there are more than this process can even look at. Pure.

Where the model is what is scarce, `domain.admission` refuses what the model cannot answer in time. Where it is the
processor time of the process that reads queries, that comes too late: looking at a query costs nearly as much as answering
it, so all of them grow old before they are looked at. Those that are old already when their turn comes are
given up, so that there is time for the others.
"""

MOST_SHARE, LEAST_SHARE = 0.5, 0.1
"""Of the objective: so old a query may be when its turn comes. The rest is for the model, and the way back."""
LATE_SHARE = 0.01
"""Of those that were looked at; so many may be answered too late."""
STEP = 0.02


class Shedding:
    """The age from which a query is given up, learnt from how many of the others are answered too late."""

    def __init__(self) -> None:
        self._share = MOST_SHARE

    def is_too_old(self, age_s: float, objective_s: float) -> bool:
        """Whether a query that arrived `age_s` ago should not be looked at."""
        return age_s > self._share * objective_s

    def answered(self, *, is_late: bool) -> None:
        """One that was looked at has its answer."""
        change = -STEP * (1.0 - LATE_SHARE) if is_late else STEP * LATE_SHARE
        self._share = min(MOST_SHARE, max(LEAST_SHARE, self._share + change))
