"""Look-ups that come during a round trip share the next one, and each gets its own."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from clipper_sls.adapters.remote_caches.lookups import MAX_KEYS, Lookups
from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import OutputJson
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.ports.prediction_cache import NEVER, Kept

A, B, C, D = (CacheKey(bytes([number]) * 32) for number in range(4))


class Server:
    """Answers when a test says so."""

    def __init__(self) -> None:
        self.asked: list[tuple[Sequence[CacheKey], Sequence[CacheKey]]] = []
        self.open: list[asyncio.Future[Mapping[CacheKey, Kept]]] = []

    async def fetch(self, keys: Sequence[CacheKey], expiring: Sequence[CacheKey]) -> Mapping[CacheKey, Kept]:
        self.asked.append((keys, expiring))
        self.open.append(asyncio.get_running_loop().create_future())
        return await self.open[-1]

    async def answer(self, *keys: CacheKey) -> None:
        self.open[-1].set_result({key: _kept(key) for key in keys})
        await _turns()


def _kept(key: CacheKey) -> Kept:
    return Kept(OutputJson(key[:1].hex().encode()), NEVER)


async def _turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_first_goes_at_once_and_who_comes_during_its_trip_goes_together() -> None:
    server = Server()
    lookups = Lookups(server.fetch)
    first = lookups.ask([A], can_expire=False)
    await _turns()
    others = [lookups.ask([A, B], can_expire=False), lookups.ask([B, C], can_expire=True)]
    assert server.asked == [([A], [])]
    await server.answer(A)
    assert await first == {A: _kept(A)}
    assert server.asked[1:] == [([A, B, C], [B, C])]
    await server.answer(B, C)
    assert [await other for other in others] == [{B: _kept(B)}, {B: _kept(B), C: _kept(C)}]
    assert len(server.asked) == 2


async def test_a_failed_trip_fails_all_who_shared_it_and_nobody_after() -> None:
    server = Server()
    lookups = Lookups(server.fetch)
    lost = [lookups.ask([A], can_expire=False), lookups.ask([B], can_expire=False)]
    await _turns()
    server.open[0].set_exception(StoreUnavailableError("away"))
    for lookup in lost:
        with pytest.raises(StoreUnavailableError):
            await lookup
    after = lookups.ask([A], can_expire=False)
    await _turns()
    await server.answer(A)
    assert await after == {A: _kept(A)}


async def test_who_has_gone_is_not_asked_for_and_disturbs_nobody() -> None:
    server = Server()
    lookups = Lookups(server.fetch)
    first = lookups.ask([A], can_expire=False)
    await _turns()
    gone, stays = lookups.ask([B], can_expire=False), lookups.ask([C], can_expire=False)
    gone.cancel()
    first.cancel()
    await server.answer(A)
    assert server.asked[1:] == [([C], [])]
    await server.answer(C)
    assert await stays == {C: _kept(C)}


async def test_a_trip_takes_no_more_than_so_many_keys() -> None:
    server = Server()
    lookups = Lookups(server.fetch)
    keys = [CacheKey(number.to_bytes(32, "big")) for number in range(MAX_KEYS + 1)]
    waiting = [lookups.ask([key], can_expire=False) for key in keys]
    await _turns()
    assert [len(asked) for asked, _ in server.asked] == [MAX_KEYS]
    await server.answer()
    assert [len(asked) for asked, _ in server.asked] == [MAX_KEYS, 1]
    await server.answer(keys[-1])
    assert [len(await found) for found in waiting] == [0] * MAX_KEYS + [1]


async def test_closing_leaves_nothing_running() -> None:
    server = Server()
    lookups = Lookups(server.fetch)
    await lookups.close()
    found = lookups.ask([D], can_expire=False)
    await _turns()
    await lookups.close()
    assert server.open[0].cancelled()
    assert not found.done()
