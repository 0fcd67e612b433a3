"""The replicas that take part in the work, and which of the idle ones gets the next batch."""

from typing import Protocol

from clipper_sls.adapters.engine.row_queue import Batch
from clipper_sls.domain.stragglers import Stragglers


class Worker(Protocol):
    """A replica, as far as work is concerned."""

    @property
    def replica_id(self) -> int: ...

    def send(self, batch: Batch, event: bytes) -> None:
        """Work on `batch`; called only while idle."""
        ...


class Workers:
    """The one that worked last is asked first, for its caches are warm; slow ones only when it makes sense."""

    def __init__(self, stragglers: Stragglers) -> None:
        self._stragglers = stragglers
        self._idle: dict[int, Worker] = {}  # who came last is last
        self._all: set[int] = set()

    def __len__(self) -> int:
        """All of them, idle or at work."""
        return len(self._all)

    def __contains__(self, replica_id: int) -> bool:
        return replica_id in self._all

    @property
    def has_idle(self) -> bool:
        return bool(self._idle)

    def idle(self, worker: Worker) -> None:
        self._idle[worker.replica_id] = worker
        self._all.add(worker.replica_id)

    def away(self, worker: Worker) -> None:
        self._idle.pop(worker.replica_id, None)
        if worker.replica_id in self._all:
            self._all.discard(worker.replica_id)
            self._stragglers.forget(worker.replica_id)

    def take_fast(self) -> Worker | None:
        """An idle one that is not slow; idle no longer."""
        for replica_id in reversed(self._idle):
            if not self._stragglers.is_slow(replica_id):
                return self._idle.pop(replica_id)
        return None

    def take_slow(self, rounds_waiting: float) -> Worker | None:
        """One that the others, with so many rounds of batches before them, cannot do without; idle no longer."""
        for replica_id in self._idle:
            if self._stragglers.is_needed(replica_id, rounds_waiting):
                return self._idle.pop(replica_id)
        return None

    def take_untried(self, now: float) -> Worker | None:
        """A slow one that nobody has asked for a while, and that may have recovered; idle no longer."""
        for replica_id in self._idle:
            if self._stragglers.is_worth_trying(replica_id, now):
                return self._idle.pop(replica_id)
        return None
