"""Look-ups of several callers share a round trip: what comes in during one goes into the next."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.ports.prediction_cache import Kept

MAX_KEYS = 1000
"""In one round trip; more would not be back in time."""

Found = Mapping[CacheKey, Kept]
Fetch = Callable[[Sequence[CacheKey], Sequence[CacheKey]], Awaitable[Found]]
"""Given the keys, and those of them that can expire. Raises StoreUnavailableError."""


class _Lookup(NamedTuple):
    keys: Sequence[CacheKey]
    can_expire: bool
    found: asyncio.Future[Found]


class Lookups:
    """One round trip at a time, over one connection, which the client of the server need therefore not share out."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._waiting: deque[_Lookup] = deque()
        self._task: asyncio.Task[None] | None = None

    def ask(self, keys: Sequence[CacheKey], *, can_expire: bool) -> "asyncio.Future[Found]":
        """What will be found of `keys`; fails with StoreUnavailableError. The caller may settle it itself, and go."""
        loop = asyncio.get_running_loop()
        lookup = _Lookup(keys, can_expire, loop.create_future())
        self._waiting.append(lookup)
        if self._task is None:
            self._task = loop.create_task(self._run())
        return lookup.found

    async def close(self) -> None:
        """Who still waits is left to their limit."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        try:
            while lookups := self._taken():
                await self._look_up(lookups)
        finally:
            self._task = None

    def _taken(self) -> list[_Lookup]:
        taken: list[_Lookup] = []
        count = 0
        while self._waiting and (not taken or count + len(self._waiting[0].keys) <= MAX_KEYS):
            lookup = self._waiting.popleft()
            if not lookup.found.done():
                taken.append(lookup)
                count += len(lookup.keys)
        return taken

    async def _look_up(self, lookups: list[_Lookup]) -> None:
        keys = dict.fromkeys(key for lookup in lookups for key in lookup.keys)
        expiring = dict.fromkeys(key for lookup in lookups if lookup.can_expire for key in lookup.keys)
        try:
            found = await self._fetch(list(keys), list(expiring))
        except StoreUnavailableError as error:
            for lookup in lookups:
                if not lookup.found.done():
                    lookup.found.set_exception(error)
            return
        for lookup in lookups:
            if not lookup.found.done():
                lookup.found.set_result({key: found[key] for key in lookup.keys if key in found})
