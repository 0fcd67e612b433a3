"""What is kept, and what makes room."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.adapters.local.s3_fifo import S3Fifo

MAX_BYTES = 10_000
ENTRY_BYTES = 100
keys = st.integers(0, 300)


@given(st.lists(st.tuples(st.sampled_from(["put", "get"]), keys, st.integers(1, 3_000)), max_size=300))
def test_it_is_bounded_and_never_gives_another_keys_value(steps: list[tuple[str, int, int]]) -> None:
    cache: S3Fifo[int, tuple[int, int]] = S3Fifo(MAX_BYTES)
    newest: dict[int, tuple[int, int]] = {}
    for step, (kind, key, size_bytes) in enumerate(steps):
        if kind == "put":
            newest[key] = (key, step)
            cache.put(key, newest[key], size_bytes)
        assert cache.get(key) in (None, newest.get(key))
        assert cache.size_bytes <= MAX_BYTES


@given(st.lists(st.tuples(keys, st.integers(1, 20_000)), max_size=200))
def test_what_it_counts_is_what_it_holds(steps: list[tuple[int, int]]) -> None:
    gone = 0

    def evicted(count: int) -> None:
        nonlocal gone
        gone += count

    cache: S3Fifo[int, bytes] = S3Fifo(MAX_BYTES, evicted)
    put = set()
    for key, size_bytes in steps:
        cache.put(key, b"", size_bytes)
        put.add(key)
    held = [key for key in put if cache.get(key) is not None]
    assert len(cache) == len(held)
    assert gone >= 0
    assert cache.size_bytes <= MAX_BYTES


def test_a_value_larger_than_the_cache_is_passed_over_and_its_predecessor_gone() -> None:
    cache: S3Fifo[str, int] = S3Fifo(MAX_BYTES)
    cache.put("a", 1, 10)
    cache.put("a", 2, MAX_BYTES + 1)
    assert cache.get("a") is None
    assert cache.size_bytes == 0


def test_a_size_of_0_keeps_nothing() -> None:
    cache: S3Fifo[str, int] = S3Fifo(0)
    cache.put("a", 1, 1)
    assert (cache.get("a"), len(cache), cache.size_bytes) == (None, 0, 0)


def test_a_scan_leaves_what_is_asked_for_again_and_again() -> None:
    cache: S3Fifo[int, int] = S3Fifo(MAX_BYTES)
    popular = range(50)
    for _ in range(3):
        for key in popular:
            if cache.get(key) is None:
                cache.put(key, key, ENTRY_BYTES)
    for key in range(1_000, 3_000):
        cache.put(key, key, ENTRY_BYTES)
    assert sum(cache.get(key) is not None for key in popular) >= 45


def test_who_returns_soon_after_it_was_given_up_stays_longer() -> None:
    cache: S3Fifo[int, int] = S3Fifo(MAX_BYTES)
    for key in range(200):
        cache.put(key, key, ENTRY_BYTES)
    returned = 200 - len(cache) - 1  # the last that was given up
    assert cache.get(returned) is None
    cache.put(returned, returned, ENTRY_BYTES)
    for key in range(1_000, 1_060):
        cache.put(key, key, ENTRY_BYTES)
    assert cache.get(returned) == returned


def _hits(cache: S3Fifo[int, int], chance: random.Random) -> float:
    """Zipf-like traffic with scans in between."""
    hits = asked = 0
    for turn in range(30_000):
        is_scan = turn % 3_000 > 2_000
        key = 10_000 + turn if is_scan else int(chance.paretovariate(0.6))
        found = cache.get(key)
        if found is None:
            cache.put(key, key, ENTRY_BYTES)
        if not is_scan:
            asked += 1
            hits += found is not None
    return hits / asked


def test_it_hits_more_often_than_least_recently_used_does_under_scans() -> None:
    from cachetools import LRUCache

    class Lru(S3Fifo[int, int]):
        def __init__(self) -> None:
            self.entries: LRUCache[int, int] = LRUCache(MAX_BYTES // ENTRY_BYTES)

        def get(self, key: int) -> int | None:
            return self.entries.get(key)

        def put(self, key: int, value: int, size_bytes: int) -> None:
            self.entries[key] = value

    ours, theirs = _hits(S3Fifo(MAX_BYTES), random.Random(1)), _hits(Lru(), random.Random(1))
    assert ours > theirs
    assert ours == pytest.approx(theirs, abs=0.3)


@given(st.lists(st.tuples(st.sampled_from(["put", "get"]), keys, st.integers(0, 100)), max_size=300))
def test_what_has_expired_is_gone_for_good(steps: list[tuple[str, int, int]]) -> None:
    cache: S3Fifo[int, int] = S3Fifo(MAX_BYTES)
    newest: dict[int, int] = {}
    for now, (kind, key, ttl) in enumerate(steps):
        if kind == "put":
            newest[key] = now + ttl
            cache.put(key, now + ttl, ENTRY_BYTES, expires_at=now + ttl)
        found = cache.get(key, now)
        assert found is None or found == newest[key] > now
        assert cache.get(key) == found  # what was dropped does not come back
    assert cache.size_bytes <= MAX_BYTES
