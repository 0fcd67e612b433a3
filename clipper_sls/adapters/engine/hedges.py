"""Batches that take unusually long are given to a second replica, and the first answer counts."""

import asyncio
from collections.abc import Callable

from clipper_sls.adapters.engine.row_queue import Batch
from clipper_sls.domain.stragglers import Stragglers


class Hedges:
    """`overdue` is called when a batch has become so; its shell then takes from `next` what it finds a replica for."""

    def __init__(self, stragglers: Stragglers, overdue: Callable[[], None]) -> None:
        self._stragglers = stragglers
        self._report = overdue
        self._timers: dict[Batch, asyncio.TimerHandle] = {}
        self._overdue: dict[Batch, None] = {}  # the oldest first

    def watch(self, batch: Batch) -> None:
        """Somebody works on `batch` from now on."""
        patience_s = self._stragglers.patience_s(batch.size)
        if patience_s is not None and batch.twin is None and not batch.is_alone:
            self._timers[batch] = asyncio.get_running_loop().call_later(patience_s, self._become_overdue, batch)

    def over(self, batch: Batch) -> None:
        """Nobody works on `batch` any more, or need not."""
        self._overdue.pop(batch, None)
        timer = self._timers.pop(batch, None)
        if timer is not None:
            timer.cancel()

    @property
    def is_wanted(self) -> bool:
        return bool(self._overdue)

    def next(self, now: float) -> Batch | None:
        """A copy of the batch that has been overdue for longest, if one more may be asked twice."""
        if not self._overdue or not self._stragglers.may_hedge():
            return None
        batch = next(iter(self._overdue))
        del self._overdue[batch]
        return batch.copied(now)

    def _become_overdue(self, batch: Batch) -> None:
        del self._timers[batch]
        self._overdue[batch] = None
        self._report()
