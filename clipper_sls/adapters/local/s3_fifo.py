"""S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", SOSP'23), bounded in bytes.

Most of what a prediction cache is given is never asked for again: a scan through a data set, traffic without
repetition. New entries pass through a small queue, and only those that were asked for again before they reach its end
get into the main one, so a scan pushes out a tenth of the cache and not all of it. A third queue remembers the keys
that fell out of the small one: an entry that returns goes straight to the main one.

Of the kept libraries, those that resist scans bound the number of entries and not their bytes.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

SMALL_SHARE = 0.1
GHOST_SHARE = 0.2
MAX_USES = 3
USES_TO_STAY = 1
"""In the small queue. The paper, on block storage, asks for one more."""
GHOST_BYTES = 280
"""Of a key that is only remembered."""


class _Entry(Generic[V]):
    __slots__ = ("expires_at", "size_bytes", "uses", "value")

    def __init__(self, value: V, size_bytes: int, expires_at: float) -> None:
        self.value = value
        self.size_bytes = size_bytes
        self.expires_at = expires_at
        self.uses = 0


class S3Fifo(Generic[K, V]):
    """`evicted` is called with how many entries were given up. A size of 0 keeps nothing."""

    def __init__(self, max_bytes: int, evicted: Callable[[int], None] = lambda count: None) -> None:
        self._max_bytes = max_bytes
        self._evicted = evicted
        # The oldest first. A plain dictionary keeps its order, too, but walks over all that was deleted to its first.
        self._small: OrderedDict[K, _Entry[V]] = OrderedDict()
        self._main: OrderedDict[K, _Entry[V]] = OrderedDict()
        self._ghosts: OrderedDict[K, None] = OrderedDict()
        self._small_bytes = 0
        self._main_bytes = 0

    def __len__(self) -> int:
        return len(self._small) + len(self._main)

    @property
    def size_bytes(self) -> int:
        """Of all entries and remembered keys."""
        return self._small_bytes + self._main_bytes + GHOST_BYTES * len(self._ghosts)

    def get(self, key: K, now: float = 0.0) -> V | None:
        """None, too, for one that has expired by `now`; it is dropped."""
        entry = self._small.get(key) or self._main.get(key)
        if entry is None:
            return None
        if entry.expires_at <= now:
            self._remove(key)
            return None
        if entry.uses < MAX_USES:
            entry.uses += 1
        return entry.value

    def put(self, key: K, value: V, size_bytes: int, expires_at: float = math.inf) -> None:
        """Keep `value`; one that is larger than all of the cache is passed over, and what was there is gone."""
        self._remove(key)
        if size_bytes > self._max_bytes:
            return
        entry = _Entry(value, size_bytes, expires_at)
        if key in self._ghosts:
            del self._ghosts[key]
            self._add_to_main(key, entry)
        else:
            self._small[key] = entry
            self._small_bytes += size_bytes
        while self.size_bytes > self._max_bytes:
            self._make_room()

    def _remove(self, key: K) -> None:
        if (entry := self._small.pop(key, None)) is not None:
            self._small_bytes -= entry.size_bytes
        elif (entry := self._main.pop(key, None)) is not None:
            self._main_bytes -= entry.size_bytes

    def _make_room(self) -> None:
        """One step; each gives up an entry or a key, or takes one of the bounded uses of an entry."""
        if GHOST_BYTES * len(self._ghosts) > GHOST_SHARE * self._max_bytes:
            self._ghosts.popitem(last=False)
        elif len(self._small) > 1 and (self._small_bytes > SMALL_SHARE * self._max_bytes or not self._main):
            self._shrink_small()
        elif self._main:
            self._shrink_main()
        else:
            self._ghosts.clear()

    def _shrink_small(self) -> None:
        key, entry = self._small.popitem(last=False)
        self._small_bytes -= entry.size_bytes
        if entry.uses >= USES_TO_STAY:
            entry.uses = 0
            self._add_to_main(key, entry)
        else:
            self._ghosts[key] = None
            self._evicted(1)

    def _shrink_main(self) -> None:
        key, entry = self._main.popitem(last=False)
        if entry.uses:
            entry.uses -= 1
            self._main[key] = entry  # to the end
        else:
            self._main_bytes -= entry.size_bytes
            self._evicted(1)

    def _add_to_main(self, key: K, entry: _Entry[V]) -> None:
        self._main[key] = entry
        self._main_bytes += entry.size_bytes
