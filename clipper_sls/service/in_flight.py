"""Rows that a model is being asked for right now, so that an equal row waits for the same answer."""

import asyncio
from collections.abc import Mapping, Sequence

from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import RowResult

Waiting = asyncio.Future[RowResult]


class InFlight:
    """Who comes first asks the model, and owes the others the result."""

    def __init__(self) -> None:
        self._waiting: dict[CacheKey, list[Waiting] | None] = {}  # None: asked for, and nobody else wants it

    def join(self, keys: Sequence[CacheKey]) -> Mapping[int, Waiting]:
        """By index, the results that others will get first. For the other keys the caller must call `settle`."""
        waiting: dict[int, Waiting] = {}
        for index, key in enumerate(keys):
            if key in self._waiting:
                waiting[index] = self._follow(key)
            else:
                self._waiting[key] = None
        return waiting

    def settle(self, keys: Sequence[CacheKey], results: Sequence[RowResult]) -> None:
        """Tell those who wait. What comes after asks anew."""
        for index, key in enumerate(keys):
            for waiting in self._waiting.pop(key) or ():
                if not waiting.done():
                    waiting.set_result(results[index])

    def _follow(self, key: CacheKey) -> Waiting:
        waiting: Waiting = asyncio.get_running_loop().create_future()
        others = self._waiting[key]
        if others is None:
            self._waiting[key] = [waiting]
        else:
            others.append(waiting)
        return waiting
