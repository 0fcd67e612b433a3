"""What only a queue in a file does: it outlives its process. And that waiting for messages ends when one comes."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from clipper_sls.adapters.local.memory_job_queue import MemoryJobQueue
from clipper_sls.adapters.local.sqlite_job_queue import SqliteJobQueue
from clipper_sls.adapters.local.sqlite_job_store import SqliteJobStore
from clipper_sls.domain.jobs.messages import NewMessage
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.testing import ManualClock
from clipper_sls.testing.contracts.job_store import DONE, new_job

TURNS = 50


def _queue(path: Path, clock: ManualClock) -> SqliteJobQueue:
    return SqliteJobQueue(path / "jobs.sqlite3", clock=clock, max_receives=3)


async def test_what_somebody_was_working_on_is_delivered_at_once_after_a_restart(tmp_path: Path) -> None:
    clock = ManualClock()
    queue = _queue(tmp_path, clock)
    await queue.enqueue([NewMessage("shop", "a"), NewMessage("shop", "b")])
    await queue.receive(1, visibility_s=3_600.0)
    queue.close()
    again = _queue(tmp_path, clock)
    found = await again.receive(10, visibility_s=60.0)
    assert [(one.body, one.receive_count) for one in found] == [("a", 2), ("b", 1)]
    again.close()


async def test_a_message_that_ends_its_process_each_time_becomes_a_dead_letter(tmp_path: Path) -> None:
    for _ in range(3):
        queue = _queue(tmp_path, ManualClock())
        if not await queue.receive(1, visibility_s=60.0):
            await queue.enqueue([NewMessage("shop", "killer")])
            await queue.receive(1, visibility_s=60.0)
        queue.close()
    queue = _queue(tmp_path, ManualClock())
    assert list(await queue.receive(1, visibility_s=60.0)) == []
    (letter,) = await queue.dead(10)
    assert letter.reason == "it was delivered 3 times, and whoever had it never came to an end"
    queue.close()


async def test_a_message_that_cannot_be_kept_is_not_taken(tmp_path: Path) -> None:
    queue = _queue(tmp_path, ManualClock())
    with sqlite3.connect(tmp_path / "jobs.sqlite3") as other:
        other.execute("DROP TABLE job_messages")
    with pytest.raises(StoreUnavailableError, match=str(tmp_path)):
        await queue.enqueue([NewMessage("shop", "a")])
    queue.close()


async def test_jobs_that_are_too_old_are_removed_from_the_file(tmp_path: Path) -> None:
    clock = ManualClock()
    store = SqliteJobStore(tmp_path / "jobs.sqlite3", clock=clock)
    for _ in range(3):
        await store.create(new_job(clock.wall(), forget_in_s=10.0), b"rows")
    await clock.advance(10.0)
    job = new_job(clock.wall())
    await store.create(job)
    await store.finish(job.id, DONE, finished_at=clock.wall(), forget_at=clock.wall() + 10.0)
    store.close()
    with sqlite3.connect(tmp_path / "jobs.sqlite3") as other:
        assert other.execute("SELECT COUNT(*) FROM jobs").fetchone() == (1,)


@pytest.mark.parametrize("is_in_memory", [True, False])
async def test_who_waits_for_messages_has_them_as_soon_as_they_come(tmp_path: Path, is_in_memory: bool) -> None:
    clock = ManualClock()
    queue = MemoryJobQueue(clock=clock, max_receives=3) if is_in_memory else _queue(tmp_path, clock)
    waiting = asyncio.create_task(queue.receive(10, visibility_s=60.0, wait_s=20.0))
    await asyncio.sleep(0)
    await queue.enqueue([NewMessage("shop", "a")])
    assert [one.body for one in await waiting] == ["a"]


async def test_who_waits_for_messages_has_what_becomes_visible_and_gives_up_in_the_end() -> None:
    clock = ManualClock()
    queue = MemoryJobQueue(clock=clock, max_receives=3)
    await queue.enqueue([NewMessage("shop", "a")])
    await queue.receive(1, visibility_s=5.0)
    waiting = asyncio.create_task(queue.receive(10, visibility_s=60.0, wait_s=20.0))
    for advance_s in (0.0, 5.0):
        await clock.advance(advance_s)
        for _ in range(TURNS):
            await asyncio.sleep(0)
    assert [one.receive_count for one in await waiting] == [2]
    vain = asyncio.create_task(queue.receive(10, visibility_s=60.0, wait_s=20.0))
    for advance_s in (0.0, 20.0):
        for _ in range(TURNS):
            await asyncio.sleep(0)
        await clock.advance(advance_s)
    assert list(await vain) == []
