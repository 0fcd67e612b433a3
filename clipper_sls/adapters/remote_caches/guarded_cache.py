"""A prediction cache outside this process, whoever keeps it: bounded in time, asked seldom, left alone when away."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from clipper_sls.adapters.remote_caches.circuit import Circuit
from clipper_sls.adapters.remote_caches.lookups import MAX_KEYS, Lookups
from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import Deadline
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.prediction_cache import Kept

KEY_BYTES = 32
SHORTEST_LIFE_S = 0.001
"""What has less left of its time is not kept."""

Found = dict[CacheKey, Kept]


class GuardedCache(ABC):
    """A RemotePredictionCache. Who waits for it waits `limit_s` at most; `name` says in the log where it is.

    Reading and writing are judged apart: a server that is full or read-only still answers.
    """

    def __init__(self, name: str, *, clock: Clock, limit_s: float, max_output_bytes: int) -> None:
        self._clock = clock
        self._max_output_bytes = max_output_bytes
        self._reading = Circuit(f"prediction cache {name}", clock=clock, limit_s=limit_s)
        self._writing = Circuit(f"prediction cache {name}, for writing,", clock=clock, limit_s=limit_s)
        self._lookups = Lookups(self._fetch)
        self._writes: set[asyncio.Task[None]] = set()

    @abstractmethod
    async def _read(self, keys: Sequence[CacheKey], expiring: Sequence[CacheKey]) -> Found:
        """Those of `keys` that are there, in one round trip; `expiring` are those of them that may have a time to live.

        Raises anything, which then counts as a cache that is away.
        """

    @abstractmethod
    async def _write(self, outputs: Mapping[CacheKey, Kept]) -> None:
        """Keep `outputs`, none of which is too large or too old, in one round trip. Raises anything."""

    @abstractmethod
    async def _disconnect(self) -> None:
        """Let go of the connections."""

    def warm_up(self) -> None:
        """Connect, while nobody waits for it: TLS alone takes longer than a query may. Raises nothing."""
        warm = self._lookups.ask([CacheKey(bytes(KEY_BYTES))], can_expire=False)
        warm.add_done_callback(lambda found: found.cancelled() or found.exception())

    async def find(self, keys: Sequence[CacheKey], *, can_expire: bool, deadline: Deadline) -> Mapping[CacheKey, Kept]:
        """What stands behind the first MAX_KEYS counts as not there."""
        if not keys:
            return {}
        self._reading.check()
        return await self._reading.in_time(self._lookups.ask(keys[:MAX_KEYS], can_expire=can_expire), deadline)

    async def keep(self, outputs: Mapping[CacheKey, Kept]) -> None:
        """What is too large, or too old by now, is left out."""
        self._writing.check()
        wanted = self._wanted(outputs)
        if not wanted:
            return
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = asyncio.get_running_loop().create_task(self._keep(wanted, written))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        await self._writing.in_time(written)

    async def close(self) -> None:
        await self._lookups.close()
        for task in self._writes:
            task.cancel()
        if self._writes:
            await asyncio.wait(self._writes)
        await self._disconnect()

    async def _fetch(self, keys: Sequence[CacheKey], expiring: Sequence[CacheKey]) -> Found:
        return await self._reading.attempt(self._read(keys, expiring))

    async def _keep(self, outputs: Mapping[CacheKey, Kept], written: "asyncio.Future[None]") -> None:
        try:
            await self._writing.attempt(self._write(outputs))
        except StoreUnavailableError as error:
            if not written.done():
                written.set_exception(error)
        else:
            if not written.done():
                written.set_result(None)

    def _wanted(self, outputs: Mapping[CacheKey, Kept]) -> Found:
        until = self._clock.now() + SHORTEST_LIFE_S
        return {
            key: kept
            for key, kept in outputs.items()
            if len(kept.output) <= self._max_output_bytes and kept.expires_at >= until
        }
