"""Rows that a model is being asked for right now, so that an equal row waits for the same answer."""

import asyncio
from collections.abc import Iterable

from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import RowResult

Waiting = asyncio.Future[RowResult]


class InFlight:
    """Who comes first asks the model, and owes the others the result."""

    def __init__(self) -> None:
        self._waiting: dict[CacheKey, list[Waiting] | None] = {}  # None: asked for, and nobody else wants it

    def join(self, key: CacheKey) -> Waiting | None:
        """None when the caller is the first, who must call `settle`; else the result that the first one will get."""
        if key not in self._waiting:
            self._waiting[key] = None
            return None
        waiting: Waiting = asyncio.get_running_loop().create_future()
        others = self._waiting[key]
        if others is None:
            self._waiting[key] = [waiting]
        else:
            others.append(waiting)
        return waiting

    def settle(self, results: Iterable[tuple[CacheKey, RowResult]]) -> None:
        """Tell those who wait. What comes after asks anew."""
        for key, result in results:
            for waiting in self._waiting.pop(key) or ():
                if not waiting.done():
                    waiting.set_result(result)
