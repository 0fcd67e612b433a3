"""Predictions in a Redis or Valkey server, which several engines may share. What makes room there is its own policy.

A key is a prefix and the digest; a value is the output, byte for byte; time to live is the server's expiry.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from clipper_sls.adapters.redis.circuit import Circuit
from clipper_sls.adapters.redis.lookups import MAX_KEYS, Lookups
from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import Deadline, OutputJson
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.prediction_cache import NEVER, Kept

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.client import Pipeline

MAX_OUTPUT_BYTES = 1024 * 1024
"""A larger one is passed over: it would hold up the others."""

MAX_LIVES = 100
"""In one round trip: asking how long a key has to live costs the client ten times as much as asking for its output."""
KEY_BYTES = 32
MS_PER_S = 1000

_NO_EXPIRY = -1
"""What PTTL answers in place of a time; of what is not there it says -2."""


class RedisPredictionCache:
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
        self._redis = redis
        self._prefix = f"clipper-sls:{namespace}:".encode()
        self._clock = clock
        self._max_output_bytes = max_output_bytes
        self._reading = Circuit(f"prediction cache {name}", clock=clock, limit_s=limit_s)
        self._writing = Circuit(f"prediction cache {name}, for writing,", clock=clock, limit_s=limit_s)
        self._lookups = Lookups(self._fetch)
        self._writes: set[asyncio.Task[None]] = set()

    def warm_up(self) -> None:
        """Connect, while nobody waits for it: TLS alone takes longer than a query may. Raises nothing."""
        warm = self._lookups.ask([CacheKey(bytes(KEY_BYTES))], can_expire=False)
        warm.add_done_callback(lambda found: found.cancelled() or found.exception())

    async def find(self, keys: Sequence[CacheKey], *, can_expire: bool, deadline: Deadline) -> Mapping[CacheKey, Kept]:
        """What stands behind the first MAX_KEYS counts as not there."""
        if not keys:
            return {}
        self._reading.check()
        return await self._reading.in_time(self._lookups.ask(keys[:MAX_KEYS], can_expire=can_expire), deadline)

    async def keep(self, outputs: Mapping[CacheKey, Kept]) -> None:
        self._writing.check()
        commands = self._commands(outputs)
        if not len(commands):
            return
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = asyncio.get_running_loop().create_task(self._write(commands, written))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        await self._writing.in_time(written)

    async def close(self) -> None:
        await self._lookups.close()
        for task in self._writes:
            task.cancel()
        if self._writes:
            await asyncio.wait(self._writes)
        await self._redis.aclose()

    async def _fetch(self, keys: Sequence[CacheKey], expiring: Sequence[CacheKey]) -> dict[CacheKey, Kept]:
        return await self._reading.attempt(self._fetched(keys, expiring))

    async def _fetched(self, keys: Sequence[CacheKey], expiring: Sequence[CacheKey]) -> dict[CacheKey, Kept]:
        """One round trip. What is left of a time to live counts from before it; unknown, it counts as over."""
        asked_at = self._clock.now()
        names = [self._prefix + key for key in keys]
        expiries = dict.fromkeys(expiring, asked_at)
        if expiring:
            commands = self._redis.pipeline(transaction=False)
            commands.mget(names)
            for key in expiring[:MAX_LIVES]:
                commands.pttl(self._prefix + key)
            outputs, *lives_ms = await commands.execute()
            expiries |= {key: _moment(asked_at, life) for key, life in zip(expiring, lives_ms, strict=False)}
        else:
            outputs = await self._redis.mget(names)
        return {
            key: Kept(OutputJson(output), expiries.get(key, NEVER))
            for key, output in zip(keys, outputs, strict=True)
            if type(output) is bytes
        }

    async def _write(self, commands: "Pipeline", written: "asyncio.Future[None]") -> None:
        try:
            await self._writing.attempt(commands.execute())
        except StoreUnavailableError as error:
            if not written.done():
                written.set_exception(error)
        else:
            if not written.done():
                written.set_result(None)

    def _commands(self, outputs: Mapping[CacheKey, Kept]) -> "Pipeline":
        """One for all that never expire, and one for each that does; what is too old by now is left out."""
        commands = self._redis.pipeline(transaction=False)
        now, lasting = self._clock.now(), list[bytes]()
        for key, (output, expires_at) in outputs.items():
            if len(output) > self._max_output_bytes:
                continue
            if expires_at == NEVER:
                lasting += (self._prefix + key, output)
            elif (life_ms := int((expires_at - now) * MS_PER_S)) > 0:
                commands.set(self._prefix + key, output, px=life_ms)
        if lasting:
            commands.execute_command("MSET", *lasting)
        return commands


def _moment(now: float, life_ms: int) -> float:
    """When an entry expires whose PTTL is `life_ms`; now, where it is gone already."""
    return NEVER if life_ms == _NO_EXPIRY else now + max(0, life_ms) / MS_PER_S
