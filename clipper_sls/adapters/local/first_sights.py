"""Which outputs were seen once: where a write costs as much as several reads, only what is seen again is written."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.ports.prediction_cache import Kept

MAX_KEYS = 10_000
"""About 2.5 MB. The oldest are forgotten first: then it takes two further sights."""


class FirstSights:
    """Keys, and by when their outputs are too old; no outputs. Bounded."""

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        self._max_keys = max_keys
        self._expiries: OrderedDict[CacheKey, float] = OrderedDict()

    def second(self, outputs: Mapping[CacheKey, Kept]) -> dict[CacheKey, Kept]:
        """Those of `outputs`, which have just come, that had been seen before; the others now have been."""
        again = {key: kept for key, kept in outputs.items() if self._expiries.pop(key, None) is not None}
        for key, kept in outputs.items():
            if key not in again:
                self._expiries[key] = kept.expires_at
        while len(self._expiries) > self._max_keys:
            self._expiries.popitem(last=False)
        return again

    def asked_again(self, keys: Iterable[CacheKey]) -> dict[CacheKey, float]:
        """Those of `keys` that had been seen once, and by when their outputs are too old; they are told once."""
        return {key: expiry for key in keys if (expiry := self._expiries.pop(key, None)) is not None}
