"""Predictions in a Redis or Valkey server, which several engines may share. What makes room there is its own policy.

A key is a prefix and the digest; a value is the output, byte for byte; time to live is the server's expiry.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from clipper_sls.adapters.remote_caches.guarded_cache import Found, GuardedCache
from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import OutputJson
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.prediction_cache import NEVER, Kept

if TYPE_CHECKING:
    from redis.asyncio import Redis

MAX_OUTPUT_BYTES = 1024 * 1024
"""A larger one is passed over: it would hold up the others."""

MAX_LIVES = 100
"""In one round trip: asking how long a key has to live costs the client ten times as much as asking for its output."""
MS_PER_S = 1000

_NO_EXPIRY = -1
"""What PTTL answers in place of a time; of what is not there it says -2."""


class RedisPredictionCache(GuardedCache):
    """Owns `redis`. An operation takes `limit_s` at most; `name` is for the log; `namespace` begins all keys."""

    def __init__(
        self,
        redis: "Redis",
        *,
        name: str,
        namespace: str,
        clock: Clock,
        limit_s: float,
        max_output_bytes: int = MAX_OUTPUT_BYTES,
    ) -> None:
        super().__init__(name, clock=clock, limit_s=limit_s, max_output_bytes=max_output_bytes)
        self._redis = redis
        self._prefix = prefix_of(namespace)

    async def _read(self, keys: Sequence[CacheKey], expiring: Sequence[CacheKey]) -> Found:
        """What is left of a time to live counts from before the round trip; unknown, it counts as over."""
        asked_at = self._clock.now()
        names = [self._prefix + key for key in keys]
        expiries = dict.fromkeys(expiring, asked_at)
        if expiring:
            commands = self._redis.pipeline(transaction=False)
            commands.mget(names)
            for key in expiring[:MAX_LIVES]:
                commands.pttl(self._prefix + key)
            outputs, *lives_ms = await commands.execute()
            expiries |= {key: moment_of(asked_at, life) for key, life in zip(expiring, lives_ms, strict=False)}
        else:
            outputs = await self._redis.mget(names)
        return {
            key: Kept(OutputJson(output), expiries.get(key, NEVER))
            for key, output in zip(keys, outputs, strict=True)
            if type(output) is bytes
        }

    async def _write(self, outputs: Mapping[CacheKey, Kept]) -> None:
        """One command for all that never expire, and one for each that does."""
        commands = self._redis.pipeline(transaction=False)
        now, lasting = self._clock.now(), list[bytes]()
        for key, (output, expires_at) in outputs.items():
            if expires_at == NEVER:
                lasting += (self._prefix + key, output)
            else:
                commands.set(self._prefix + key, output, px=life_ms(now, expires_at))
        if lasting:
            commands.execute_command("MSET", *lasting)
        await commands.execute()

    async def _disconnect(self) -> None:
        await self._redis.aclose()


def prefix_of(namespace: str) -> bytes:
    """What all keys of a cluster of ours begin with."""
    return f"clipper-sls:{namespace}:".encode()


def life_ms(now: float, expires_at: float) -> int:
    return max(1, int((expires_at - now) * MS_PER_S))


def moment_of(now: float, life_ms: int) -> float:
    """When an entry expires whose PTTL is `life_ms`; now, where it is gone already."""
    return NEVER if life_ms == _NO_EXPIRY else now + max(0, life_ms) / MS_PER_S
