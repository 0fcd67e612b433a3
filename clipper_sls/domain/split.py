"""Whether the queries of a version are shared with another one: a canary. Pure.

The alias that is asked may lead to two published versions, and only answers say so. As long as they come from both, an
output that is kept would stand for the version that did not give it, and a query that is answered from the cache is one
less that the canary is seen by.
"""

from msgspec import Struct

from clipper_sls.domain.deployment.function import PublishedFunction

SPLIT_S = 60.0
"""How long a version counts as shared after answers came from both. One of 1 % is seen in most of 300 calls."""


class _Seen(Struct):
    other_at: float
    split_until: float


class SplitWatch:
    """Takes note of who answered. What asks a version that has just become current, and whose registry does not know,
    gets answers from another one and then no more from its own: that is no split."""

    def __init__(self) -> None:
        self._seen: dict[PublishedFunction, _Seen] = {}

    def is_split(self, asked: PublishedFunction, now: float) -> bool:
        """`now` in seconds."""
        seen = self._seen.get(asked) if self._seen else None
        return seen is not None and now < seen.split_until

    def observe(self, asked: PublishedFunction, is_by_other: bool, now: float) -> None:
        """An answer came to what was asked of it."""
        seen = self._seen.get(asked)
        if is_by_other:
            if seen is None:
                self._seen[asked] = _Seen(now, 0.0)
            else:
                seen.other_at = now
        elif seen is not None:
            if now - seen.other_at <= SPLIT_S:
                seen.split_until = now + SPLIT_S
            elif now >= seen.split_until:
                del self._seen[asked]
