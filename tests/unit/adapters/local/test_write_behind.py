"""Nobody waits for a write to a cache elsewhere, and what waits to be written is bounded."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.adapters.local.write_behind import ENTRY_OVERHEAD_BYTES, MAX_BYTES, MAX_ENTRIES, WriteBehind
from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.query import OutputJson
from clipper_sls.ports.prediction_cache import NEVER, Kept
from clipper_sls.testing import FakeRemoteCache, ManualClock, RecordingMetrics

MAX_WAITING_BYTES = 10_000
ENTRY_BYTES = ENTRY_OVERHEAD_BYTES + 1


def _outputs(*numbers: int, text: bytes = b"1") -> dict[CacheKey, Kept]:
    return {CacheKey(number.to_bytes(32, "big")): Kept(OutputJson(text), NEVER) for number in numbers}


@pytest.fixture
def remote() -> FakeRemoteCache:
    return FakeRemoteCache(ManualClock())


@pytest.fixture
def metrics() -> RecordingMetrics:
    return RecordingMetrics()


@pytest.fixture
def writes(remote: FakeRemoteCache, metrics: RecordingMetrics) -> WriteBehind:
    return WriteBehind(remote, metrics, max_waiting_bytes=MAX_WAITING_BYTES)


async def _turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_comes_during_a_write_goes_into_the_next_one(remote, writes) -> None:
    remote.answers.clear()
    writes.add(_outputs(1))
    await _turns()
    writes.add(_outputs(2, 3))
    writes.add(_outputs(4, 2, text=b"2"))
    remote.answers.set()
    await writes.close()
    assert remote.writes == [_outputs(1), _outputs(3) | _outputs(4, 2, text=b"2")]


async def test_more_than_finds_room_is_dropped_and_counted(remote, metrics, writes) -> None:
    remote.answers.clear()
    fits = MAX_WAITING_BYTES // ENTRY_BYTES
    writes.add(_outputs(*range(fits + 3)))
    assert metrics.remote_dropped == 3
    writes.add(_outputs(100, text=b"0" * MAX_WAITING_BYTES))
    assert metrics.remote_dropped == 4
    remote.answers.set()
    await writes.close()
    assert remote.kept == _outputs(*range(fits))


async def test_a_write_that_fails_is_counted_and_not_tried_again(remote, metrics, writes) -> None:
    remote.is_away = True
    writes.add(_outputs(1, 2))
    await _turns()
    remote.is_away = False
    writes.add(_outputs(3))
    await writes.close()
    assert (metrics.cache_failures, metrics.remote_dropped) == (1, 2)
    assert remote.kept == _outputs(3)


async def test_a_write_is_of_bounded_size(remote, metrics) -> None:
    writes = WriteBehind(remote, metrics)
    writes.add(_outputs(*range(2 * MAX_ENTRIES + 1)) | _outputs(1_000, 1_001, 1_002, text=b"0" * MAX_BYTES))
    await writes.close()
    assert [len(write) for write in remote.writes] == [MAX_ENTRIES, MAX_ENTRIES, 1, 1, 1, 1]
    assert metrics.remote_dropped == 0


async def test_closing_does_not_wait_for_ever_and_counts_what_is_lost(remote, metrics, writes) -> None:
    remote.answers.clear()
    writes.add(_outputs(1))
    await _turns()
    writes.add(_outputs(2, 3))
    await asyncio.wait_for(writes.close(), timeout=30)
    assert metrics.remote_dropped == 2
    assert asyncio.all_tasks() == {asyncio.current_task()}


@given(st.lists(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 4_000)), max_size=10), max_size=10))
async def test_everything_is_written_once_or_counted_and_the_newest_output_of_a_key_wins(
    steps: list[list[tuple[int, int]]],
) -> None:
    remote, metrics = FakeRemoteCache(ManualClock()), RecordingMetrics()
    writes = WriteBehind(remote, metrics, max_waiting_bytes=MAX_WAITING_BYTES)
    remote.answers.clear()
    put, newest = 0, {}
    for step in steps:
        outputs = {}
        for number, length in step:
            outputs |= _outputs(number, text=b"0" * length)
        writes.add(outputs)
        newest |= outputs
        put += len(outputs)
    assert writes._waiting_bytes == sum(len(kept.output) + ENTRY_OVERHEAD_BYTES for kept in writes._waiting.values())
    assert writes._waiting_bytes <= MAX_WAITING_BYTES
    remote.answers.set()
    await writes.close()
    assert remote.kept.items() <= newest.items()
    assert len(remote.kept) + metrics.remote_dropped <= put
    assert len(newest) <= len(remote.kept) + metrics.remote_dropped
