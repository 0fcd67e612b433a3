"""Predictions in a table of DynamoDB: no server and no VPC, and a write costs as much as ten reads.

A key is the digest, a value the output, byte for byte. AWS removes items some time after `expires_at`, which therefore
counts when they are read, too.
"""

import asyncio
import math
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence

from clipper_sls.adapters.aws.dynamodb.table import DynamoTable, Item
from clipper_sls.adapters.aws.dynamodb.tables import TTL_ATTRIBUTE
from clipper_sls.adapters.remote_caches.guarded_cache import Found, GuardedCache
from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import OutputJson
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.prediction_cache import NEVER, Kept

MAX_OUTPUT_BYTES = 350_000
"""An item may have 400 KB, its key and its other attributes included. What is larger is passed over."""

LONGEST_LIFE_S = 7 * 24 * 3600
"""Nothing else makes room in a table: what is not renewed goes after so long."""

CONNECT_LIMIT_S = 1.0
"""Of a round trip, for which nobody waits so long: the first one must connect, and what was found serves the next."""


class DynamoPredictionCache(GuardedCache):
    """`table` should have at least CONNECT_LIMIT_S for an operation; who waits, waits for `limit_s`."""

    def __init__(
        self, table: DynamoTable, *, clock: Clock, limit_s: float, max_output_bytes: int = MAX_OUTPUT_BYTES
    ) -> None:
        name = f"in the table {table.name} of DynamoDB"
        super().__init__(name, clock=clock, limit_s=limit_s, max_output_bytes=max_output_bytes)
        self._table = table

    async def _read(self, keys: Sequence[CacheKey], expiring: Sequence[CacheKey]) -> Found:
        """Not consistently, for half the price: what was written a moment ago is then asked of the model."""
        asked = [{"key": _binary(key)} for key in keys]
        items = await self._table.find(asked, self._table.deadline(), consistent=False, partial=True)
        now, wall, can_expire = self._clock.now(), self._clock.wall(), set(expiring)
        found: Found = {}
        for item in items:
            key, left_s = CacheKey(b64decode(item["key"]["B"])), float(item["until"]["N"]) - wall
            if left_s > 0:
                expires_at = now + left_s if key in can_expire else NEVER
                found[key] = Kept(OutputJson(b64decode(item["output"]["B"])), expires_at)
        return found

    async def _write(self, outputs: Mapping[CacheKey, Kept]) -> None:
        now, wall = self._clock.now(), self._clock.wall()
        items = [
            _item(key, kept.output, wall + min(kept.expires_at - now, LONGEST_LIFE_S)) for key, kept in outputs.items()
        ]
        await self._table.put_all(items, self._table.deadline())

    async def _disconnect(self) -> None:
        """The client is others', too."""
        await asyncio.sleep(0)


def _item(key: CacheKey, output: OutputJson, until: float) -> Item:
    """`until` is exact; AWS wants whole seconds to remove by."""
    return {
        "key": _binary(key),
        "output": _binary(output),
        "until": {"N": f"{until:.3f}"},
        TTL_ATTRIBUTE: {"N": str(math.ceil(until))},
    }


def _binary(content: bytes) -> Mapping[str, str]:
    return {"B": b64encode(content).decode()}
