"""Predictions in a Redis or Valkey cluster, whose keys lie on several nodes; ElastiCache Serverless always is one.

Keys and values are as in one server. A key is a command of its own here, for no command may name keys of several slots.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from clipper_sls.adapters.redis.prediction_cache import (
    MAX_LIVES,
    MAX_OUTPUT_BYTES,
    life_ms,
    moment_of,
    prefix_of,
)
from clipper_sls.adapters.remote_caches.guarded_cache import Found, GuardedCache
from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import OutputJson
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.prediction_cache import NEVER, Kept

if TYPE_CHECKING:
    from redis.asyncio.cluster import RedisCluster

Command = tuple[Any, ...]
"""Its name, the key that it is about, and the rest."""

LONGEST_LIFE_S = 7 * 24 * 3600
"""ElastiCache Serverless gives up only keys that have a time to live, so all have one."""


class RedisClusterPredictionCache(GuardedCache):
    """Owns `redis`. While one node is away, what is on the others is found; where keys have moved it finds out."""

    def __init__(
        self,
        redis: "RedisCluster",
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
        commands: list[Command] = [("GET", self._prefix + key) for key in keys]
        commands += [("PTTL", self._prefix + key) for key in expiring[:MAX_LIVES]]
        results = await self._execute(commands)
        expiries = dict.fromkeys(expiring, asked_at)
        for key, life in zip(expiring, results[len(keys) :], strict=False):
            if type(life) is int:
                expiries[key] = moment_of(asked_at, life)
        return {
            key: Kept(OutputJson(output), expiries.get(key, NEVER))
            for key, output in zip(keys, results, strict=False)
            if type(output) is bytes
        }

    async def _write(self, outputs: Mapping[CacheKey, Kept]) -> None:
        await self._redis.initialize()  # before it is told how long they have to live: it may take some time
        commands, now = list[Command](), self._clock.now()
        for key, (output, expires_at) in outputs.items():
            if expires_at > now:  # it may have become too old meanwhile, and there is no shorter life than 1 ms
                life = life_ms(now, min(expires_at, now + LONGEST_LIFE_S))
                commands.append(("SET", self._prefix + key, output, "PX", life))
        await self._execute(commands)

    async def _disconnect(self) -> None:
        await self._redis.aclose()

    async def _execute(self, commands: Sequence[Command]) -> list[Any]:
        """One result per command, which is an exception for what a node that is away would have answered.

        Raises when none answered. After any failure the cluster is asked anew which node has which slots.
        """
        await self._redis.initialize()
        results: list[Any] = [None] * len(commands)
        await asyncio.gather(*(self._ask(commands, of_node, results) for of_node in self._by_node(commands)))
        failures = [result for result in results if isinstance(result, Exception)]
        if failures:
            with suppress(RedisError):  # nobody answers: that is said below
                await self._redis.nodes_manager.initialize()
        if failures and len(failures) == len(results):
            raise failures[0]
        return results

    def _by_node(self, commands: Sequence[Command]) -> Iterable[list[int]]:
        """Indices of the commands about keys of one node each: a pipeline fails whole where one node is away."""
        indices: dict[str, list[int]] = {}
        for index, (_, name, *_) in enumerate(commands):
            nodes = self._redis.nodes_manager.slots_cache.get(self._redis.keyslot(name))
            indices.setdefault(nodes[0].name if nodes else "", []).append(index)
        return indices.values()

    async def _ask(self, commands: Sequence[Command], indices: Sequence[int], results: list[Any]) -> None:
        pipeline = self._redis.pipeline()
        for index in indices:
            pipeline.execute_command(*commands[index])
        try:
            answers = await pipeline.execute(raise_on_error=False)
        except RedisError as error:
            answers = [error] * len(indices)
        for index, answer in zip(indices, answers, strict=True):
            results[index] = answer
