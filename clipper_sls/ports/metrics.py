"""Counting and timing."""

from collections.abc import Sequence
from typing import Protocol

from clipper_sls.domain.identifiers import AppName, ModelId
from clipper_sls.domain.query import DefaultReason


class Metrics(Protocol):
    """Never raises, never blocks. Names of applications and models are the only labels, so their number is bounded."""

    def answered(self, application: AppName, latency_s: float, rows: int, reasons: Sequence[DefaultReason]) -> None:
        """A query of `rows` was answered; one reason for each row that got the default output."""
        ...

    def batch(self, model: ModelId, rows: int, latency_s: float, queue_delay_s: float) -> None:
        """A replica finished a batch; `queue_delay_s` is how long its oldest row had waited."""
        ...

    def cache_lookup(self, model: ModelId, hits: int, misses: int) -> None:
        """Rows were looked up; a hit of whichever cache is a hit."""
        ...

    def coalesced(self, model: ModelId, rows: int) -> None:
        """Rows that were not in the cache waited for the answer to equal ones that were being asked."""
        ...

    def cache_evicted(self, entries: int) -> None:
        """A cache gave up entries to make room."""
        ...

    def cache_failed(self) -> None:
        """A cache did not answer, and its rows were asked of the model."""
        ...

    def remote_cache_lookup(self, hits: int, misses: int) -> None:
        """The cache outside this process was asked for rows that the one inside did not have."""
        ...

    def remote_cache_dropped(self, entries: int) -> None:
        """Outputs were not written to the cache outside this process: it failed, or too many waited already."""
        ...

    def hedged(self, model: ModelId) -> None:
        """A batch took unusually long, and a second replica was asked for it."""
        ...

    def hedge_won(self, model: ModelId, *, by_copy: bool) -> None:
        """Of two replicas that were asked for one batch the first has answered: the second one, if `by_copy`."""
        ...

    def throttled(self, model: ModelId) -> None:
        """Who runs the model elsewhere had no room for a batch, and none until it was due."""
        ...

    def answered_by_other(self, model: ModelId, number: str, rows: int) -> None:
        """Rows were asked of a version and answered by another published one of its function, `number`."""
        ...

    def replica_crashed(self, model: ModelId) -> None:
        """A replica ended without being told to."""
        ...
