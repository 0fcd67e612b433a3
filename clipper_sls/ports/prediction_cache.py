"""Where outputs are kept so that an equal input need not be asked again."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import OutputJson


class PredictionCache(Protocol):
    """Bounded; may forget anything at any time; never returns an output under another key than its own."""

    async def get_many(self, keys: Sequence[CacheKey]) -> Mapping[CacheKey, OutputJson]:
        """Those of `keys` that are there, in one round trip. May raise StoreUnavailableError."""
        ...

    async def put_many(self, outputs: Mapping[CacheKey, OutputJson]) -> None:
        """Keep `outputs`; one that is larger than the whole cache is passed over."""
        ...
