"""The registry as requests see it: a snapshot in memory, and the loop that commits a decision against it."""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from contextlib import suppress

from clipper_sls.domain.changes import Change
from clipper_sls.domain.records import RegistrySnapshot
from clipper_sls.errors import StaleWriteError, StoreError, StoreUnavailableError
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.registry import Registry

Decision = Callable[[RegistrySnapshot], Sequence[Change]]

MAX_ATTEMPTS = 10
PATIENCE_S = 0.25
"""What a store takes once in a thousand times at most; with less, a snapshot would be older than need be at times."""

logger = logging.getLogger(__name__)


class RegistryView:
    """Requests read the snapshot in memory, so a store that does not answer stops changes, not predictions.

    `max_age_s`: a snapshot older than that is read again before use, for which nobody waits longer than `patience_s`.
    The default suits a process that makes every change itself and therefore is never out of date.
    """

    def __init__(
        self, *, registry: Registry, clock: Clock, max_age_s: float = math.inf, patience_s: float = PATIENCE_S
    ) -> None:
        self._registry = registry
        self._clock = clock
        self._max_age_s = max_age_s
        self._patience_s = patience_s
        self._snapshot = RegistrySnapshot()
        self._is_known = max_age_s == math.inf
        self._fresh_until = math.inf if max_age_s == math.inf else -math.inf
        self._reading: asyncio.Task[None] | None = None
        self._failure: StoreError | None = None

    @property
    def snapshot(self) -> RegistrySnapshot:
        """The newest snapshot in memory, however old."""
        return self._snapshot

    @property
    def is_known(self) -> bool:
        """Whether the registry was ever read, where it must be before anything can be answered."""
        return self._is_known

    @property
    def is_fresh(self) -> bool:
        """Whether the snapshot in memory is within the age limit, or was tried in vain to be renewed within it."""
        return self._clock.now() <= self._fresh_until

    async def fresh(self) -> RegistrySnapshot:
        """A snapshot within the age limit; a stale one when the store fails, or takes longer than anybody waits.

        All who ask meanwhile share one reading, and while the store fails it is asked once in `max_age_s`. A process
        that knows nothing yet has nothing to go on with: it reads however long that takes, and raises StoreError.
        """
        if not self.is_fresh:
            if self._reading is None:
                self._reading = asyncio.create_task(self._renew())
            reading = self._reading
            await asyncio.wait({reading}, timeout=self._patience_s if self._is_known else None)
            if reading.done():
                reading.result()  # raises what is no failure of the store
            else:
                self._was_looked_at()
        if not self._is_known:
            raise self._failure or StoreUnavailableError("The registry has not been read")
        return self._snapshot

    async def newest(self) -> RegistrySnapshot:
        """What every change is in that had been made. Raises StoreError, if it needs the store for that."""
        return self._snapshot if self._max_age_s == math.inf else await self.load()

    async def close(self) -> None:
        """End a reading that goes on without anybody waiting for it."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading

    async def load(self) -> RegistrySnapshot:
        """Read the store. Raises StoreError.

        What it holds now is newer than all that was known when it was asked; a revision that is lower means that it was
        restored from a copy, which then counts. One that is empty after all is a store that was lost, and does not.
        """
        known = self._snapshot
        found = await self._registry.snapshot()
        if 0 < found.revision < known.revision and self._snapshot is known:
            logger.warning("The registry was put back from revision %d to %d", known.revision, found.revision)
            self._snapshot = found
        return self.remember(found)

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
        self._was_looked_at()
        self._is_known = True
        if snapshot.revision > self._snapshot.revision or self._snapshot.revision == 0:
            self._snapshot = snapshot
        return self._snapshot

    async def _renew(self) -> None:
        try:
            await self.load()
        except StoreError as error:
            self._was_looked_at()
            if self._failure is None:
                logger.warning("The registry cannot be read; what was last known of it counts: %s", error)
            self._failure = error
        else:
            self._failure = None
        finally:
            self._reading = None

    def _was_looked_at(self) -> None:
        self._fresh_until = self._clock.now() + self._max_age_s
