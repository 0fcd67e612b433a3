"""Which queries are answered unread, when there are more than this process can even look at. Pure.

Where the model is what is scarce, `domain.admission` refuses what the model cannot answer in time. Where it is the
processor time of the process that reads queries, that comes too late: looking at a query costs nearly as much as
answering it, so all of them would grow old before they are looked at. The newest are looked at first, and the oldest
are given up once too little is left of their time for the model and for the way back.
"""

MOST_SHARE, LEAST_SHARE = 0.5, 0.05
"""Of the objective; a query that is older is not looked at any more."""
LATE_SHARE = 0.01
"""Of those that were looked at; so many may be answered too late."""
STEP = 0.01


class Shedding:
    """Learns from how many are answered too late how old a query may be."""

    def __init__(self) -> None:
        self._share = MOST_SHARE

    def is_too_old(self, age_s: float, objective_s: float) -> bool:
        """Whether a query that arrived `age_s` ago is given up."""
        return age_s > self._share * objective_s

    def answered(self, *, is_late: bool) -> None:
        """A query that was looked at has its answer."""
        change = -STEP * (1.0 - LATE_SHARE) if is_late else STEP * LATE_SHARE
        self._share = min(MOST_SHARE, max(LEAST_SHARE, self._share + change))
