"""The registry as requests see it: a snapshot in memory, and the loop that commits a decision against it."""

import math
from collections.abc import Callable, Sequence

from clipper_sls.domain.changes import Change
from clipper_sls.domain.records import RegistrySnapshot
from clipper_sls.errors import StaleWriteError, StoreError
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.registry import Registry

Decision = Callable[[RegistrySnapshot], Sequence[Change]]

MAX_ATTEMPTS = 10


class RegistryView:
    """Requests read the snapshot in memory, so a store that does not answer stops changes, not predictions.

    `max_age_s`: a snapshot older than that is read again before use. The default suits a process that makes every
    change itself and therefore is never out of date.
    """

    def __init__(self, *, registry: Registry, clock: Clock, max_age_s: float = math.inf) -> None:
        self._registry = registry
        self._clock = clock
        self._max_age_s = max_age_s
        self._snapshot = RegistrySnapshot()
        self._read_at = -math.inf

    @property
    def snapshot(self) -> RegistrySnapshot:
        """The newest snapshot in memory, however old."""
        return self._snapshot

    @property
    def is_fresh(self) -> bool:
        """Whether the snapshot in memory is within the age limit."""
        return self._max_age_s == math.inf or self._clock.now() - self._read_at <= self._max_age_s

    async def fresh(self) -> RegistrySnapshot:
        """A snapshot within the age limit; a stale one when the store fails."""
        if not self.is_fresh:
            try:
                await self.load()
            except StoreError:
                return self._snapshot
        return self._snapshot

    async def newest(self) -> RegistrySnapshot:
        """What every change is in that had been made. Raises StoreError, if it needs the store for that."""
        return self._snapshot if self._max_age_s == math.inf else await self.load()

    async def load(self) -> RegistrySnapshot:
        """Read the store. Raises StoreError."""
        return self.remember(await self._registry.snapshot())

    async def commit(self, decide: Decision) -> RegistrySnapshot:
        """Decide on the newest snapshot and commit; when somebody else was faster, decide again on theirs."""
        for _ in range(MAX_ATTEMPTS):
            snapshot = self._snapshot
            changes = decide(snapshot)
            if not changes:
                return snapshot
            try:
                return self.remember(await self._registry.commit(changes, snapshot.revision))
            except StaleWriteError:
                await self.load()
        raise StaleWriteError(f"The registry was changed by others {MAX_ATTEMPTS} times in a row; try again")

    def remember(self, snapshot: RegistrySnapshot) -> RegistrySnapshot:
        """Two commits may return in either order; the older of two snapshots never replaces the newer."""
        self._read_at = self._clock.now()
        if snapshot.revision > self._snapshot.revision or self._snapshot.revision == 0:
            self._snapshot = snapshot
        return self._snapshot
