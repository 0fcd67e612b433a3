"""Where outputs are kept so that an equal input need not be asked again."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import OutputJson


class PredictionCache(Protocol):
    """Bounded; may forget anything at any time; never returns an output under another key than its own."""

    async def get_many(self, keys: Sequence[CacheKey]) -> Mapping[CacheKey, OutputJson]:
        """Those of `keys` that are there and not too old, in one round trip. May raise StoreUnavailableError."""
        ...

    async def put_many(self, outputs: Mapping[CacheKey, OutputJson], ttl_s: float | None = None) -> None:
        """Keep `outputs`, and return none of them once it is `ttl_s` old; None: they never get too old.

        One that is larger than the whole cache is passed over. May raise StoreUnavailableError.
        """
        ...
