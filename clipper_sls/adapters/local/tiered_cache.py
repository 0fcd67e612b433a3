"""Two prediction caches, one behind the other: in this process, and outside it, shared with other engines."""

from collections.abc import Mapping, Sequence

from clipper_sls.adapters.local.first_sights import FirstSights
from clipper_sls.adapters.local.memory_cache import MemoryPredictionCache
from clipper_sls.adapters.local.write_behind import WriteBehind
from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import Deadline, OutputJson
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.metrics import Metrics
from clipper_sls.ports.prediction_cache import FOREVER, NEVER, Kept, RemotePredictionCache


class TieredPredictionCache:
    """Owns `remote`. What is found there fills `near`; what is put goes to both, to `remote` in the background.

    A remote cache that fails is counted, and hides nothing that the near one has. With `first_sights` it is given what
    is seen for the second time in this process: put again, or found in `near`.
    """

    def __init__(
        self,
        near: MemoryPredictionCache,
        remote: RemotePredictionCache,
        *,
        clock: Clock,
        metrics: Metrics,
        first_sights: FirstSights | None = None,
    ) -> None:
        self._near = near
        self._remote = remote
        self._clock = clock
        self._metrics = metrics
        self._first_sights = first_sights
        self._writes = WriteBehind(remote, metrics)

    def peek(self, keys: Sequence[CacheKey]) -> Mapping[CacheKey, OutputJson] | None:
        found = self._near.peek(keys)
        if len(found) != len(keys):  # then `get_many` is asked next
            return None
        if self._first_sights is not None:
            self._asked_again(self._first_sights, found)
        return found

    async def get_many(
        self, keys: Sequence[CacheKey], *, ttl_s: float | None = None, deadline: Deadline = FOREVER
    ) -> Mapping[CacheKey, OutputJson]:
        found = self._near.peek(keys)
        if self._first_sights is not None:
            self._asked_again(self._first_sights, found)
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        if not missing or self._clock.now() >= deadline:
            return found
        try:
            further = await self._remote.find(missing, can_expire=ttl_s is not None, deadline=deadline)
        except StoreUnavailableError:
            self._metrics.cache_failed()
            return found
        self._metrics.remote_cache_lookup(len(further), len(missing) - len(further))
        self._fill(further)
        return {**found, **{key: kept.output for key, kept in further.items()}}

    def put_many(self, outputs: Mapping[CacheKey, OutputJson], ttl_s: float | None = None) -> None:
        expires_at = NEVER if ttl_s is None else self._clock.now() + ttl_s
        self._near.put_many(outputs, ttl_s)
        kept = {key: Kept(output, expires_at) for key, output in outputs.items()}
        self._write(kept if self._first_sights is None else self._first_sights.second(kept))

    async def close(self) -> None:
        """Write what waits to be written, if that goes quickly."""
        await self._writes.close()
        await self._remote.close()

    def _asked_again(self, first_sights: FirstSights, found: Mapping[CacheKey, OutputJson]) -> None:
        self._write({key: Kept(found[key], expiry) for key, expiry in first_sights.asked_again(found).items()})

    def _write(self, outputs: Mapping[CacheKey, Kept]) -> None:
        if outputs:
            self._writes.add(outputs)

    def _fill(self, found: Mapping[CacheKey, Kept]) -> None:
        now = self._clock.now()
        self._near.put_many({key: kept.output for key, kept in found.items() if kept.expires_at == NEVER})
        for key, (output, expires_at) in found.items():
            if now < expires_at < NEVER:
                self._near.put_many({key: output}, expires_at - now)
