"""Where outputs are kept so that an equal input need not be asked again."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import Deadline, OutputJson

NEVER = float("inf")
FOREVER = Deadline(NEVER)


class PredictionCache(Protocol):
    """Bounded; may forget anything at any time; never returns an output under another key than its own."""

    def peek(self, keys: Sequence[CacheKey]) -> Mapping[CacheKey, OutputJson] | None:
        """What `get_many` would answer, without waiting for anybody; None where only `get_many` can tell."""
        ...

    async def get_many(
        self, keys: Sequence[CacheKey], *, ttl_s: float | None = None, deadline: Deadline = FOREVER
    ) -> Mapping[CacheKey, OutputJson]:
        """Those of `keys` that are there and not too old, in one round trip, by `deadline`.

        `ttl_s` is what the outputs of these keys are put with. May raise StoreUnavailableError.
        """
        ...

    def put_many(self, outputs: Mapping[CacheKey, OutputJson], ttl_s: float | None = None) -> None:
        """Keep `outputs`, and return none of them once it is older than `ttl_s`; None: they never get too old.

        One that is larger than the whole cache is passed over. What takes time is done in the background.
        """
        ...


class Kept(NamedTuple):
    """An output, and the moment by `Clock.now` at which it becomes too old; NEVER for most."""

    output: OutputJson
    expires_at: float


class RemotePredictionCache(Protocol):
    """A cache outside this process: outputs come and go with what is left of their time."""

    async def find(self, keys: Sequence[CacheKey], *, can_expire: bool, deadline: Deadline) -> Mapping[CacheKey, Kept]:
        """Those of `keys` that are there, in one round trip; without `can_expire` none of them has a time to live.

        What is found may be returned now, even where it is too old to be kept by the time it is here. Raises
        StoreUnavailableError, by `deadline` or earlier.
        """
        ...

    async def keep(self, outputs: Mapping[CacheKey, Kept]) -> None:
        """Keep `outputs`, in one round trip. Raises StoreUnavailableError."""
        ...

    async def close(self) -> None:
        """Let go of the connections."""
        ...
