"""What every job queue must do, its dead letters included.

A subclass has the fixtures `queue`, which delivers a message at most `MAX_RECEIVES` times, and `let_pass`, which lets
seconds pass: by a clock of the test's where the queue goes by one, really where it does not.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from clipper_sls.domain.jobs.messages import MOST_RECEIVED, DeadLetter, NewMessage, Received
from clipper_sls.ports.job_queue import DeadLetters, JobQueue

MAX_RECEIVES = 3
LONG_S = 60.0
SHORT_S = 1.0
LOOKS = 20
"""How often to look for messages that must be there: a queue may deliver fewer at one time than it has."""

LetPass = Callable[[float], Awaitable[None]]


class WholeQueue(JobQueue, DeadLetters, Protocol):
    """Both ports over one queue."""


async def received(queue: JobQueue, count: int, visibility_s: float = LONG_S) -> list[Received]:
    """So many messages, or as many as come."""
    found: list[Received] = []
    for _ in range(LOOKS):
        if len(found) < count:
            found += await queue.receive(min(count - len(found), MOST_RECEIVED), visibility_s=visibility_s)
    return found


async def dead(queue: DeadLetters, count: int) -> list[DeadLetter]:
    """So many dead letters, or as many as can be seen."""
    found: dict[str, DeadLetter] = {}
    for _ in range(LOOKS):
        if len(found) < count:
            found |= {letter.message_id: letter for letter in await queue.dead(MOST_RECEIVED)}
    return list(found.values())


def _bodies(messages: Sequence[Received | DeadLetter]) -> list[str]:
    return sorted(message.body for message in messages)


def _new(*bodies: str, group: str = "shop") -> list[NewMessage]:
    return [NewMessage(group, body) for body in bodies]


class JobQueueContract:
    async def test_what_was_enqueued_is_received_as_it_was(self, queue: WholeQueue) -> None:
        bodies = ['{"a":1}', "plain text", "x" * 100_000]
        await queue.enqueue(_new(*bodies))
        found = await received(queue, 3)
        assert _bodies(found) == sorted(bodies)
        assert [one.receive_count for one in found] == [1, 1, 1]

    async def test_an_empty_queue_has_nothing_to_receive(self, queue: WholeQueue) -> None:
        assert list(await queue.receive(10, visibility_s=LONG_S)) == []

    async def test_more_than_one_batch_is_enqueued_and_received_in_the_end(self, queue: WholeQueue) -> None:
        bodies = [f"message {number}" for number in range(25)]
        await queue.enqueue(_new(*bodies))
        assert _bodies(await received(queue, 25)) == sorted(bodies)

    async def test_no_more_are_received_than_were_asked_for(self, queue: WholeQueue) -> None:
        await queue.enqueue(_new(*"abcdefghijklmno"))
        assert len(await queue.receive(2, visibility_s=LONG_S)) <= 2
        assert len(await queue.receive(15, visibility_s=LONG_S)) <= MOST_RECEIVED

    async def test_what_was_received_is_hidden_and_then_comes_again(self, queue: WholeQueue, let_pass: LetPass) -> None:
        await queue.enqueue(_new("a"))
        (first,) = await received(queue, 1, visibility_s=2 * SHORT_S)
        assert list(await queue.receive(10, visibility_s=LONG_S)) == []
        await let_pass(2 * SHORT_S)
        (again,) = await received(queue, 1)
        assert (again.message_id, again.body, again.receive_count) == (first.message_id, "a", 2)

    async def test_what_was_acknowledged_does_not_come_again(self, queue: WholeQueue, let_pass: LetPass) -> None:
        await queue.enqueue(_new("a", "b"))
        found = await received(queue, 2, visibility_s=SHORT_S)
        await queue.acknowledge([one for one in found if one.body == "a"])
        await let_pass(SHORT_S)
        assert _bodies(await received(queue, 2)) == ["b"]

    async def test_acknowledging_twice_and_nothing_is_no_error(self, queue: WholeQueue) -> None:
        await queue.enqueue(_new("a"))
        found = await received(queue, 1)
        await queue.acknowledge(found)
        await queue.acknowledge(found)
        await queue.acknowledge([])
        await queue.release([])

    async def test_what_was_released_comes_at_once(self, queue: WholeQueue) -> None:
        await queue.enqueue(_new("a"))
        await queue.release(await received(queue, 1))
        (again,) = await received(queue, 1)
        assert again.receive_count == 2

    async def test_what_was_released_for_later_comes_later(self, queue: WholeQueue, let_pass: LetPass) -> None:
        await queue.enqueue(_new("a"))
        await queue.release(await received(queue, 1), after_s=2 * SHORT_S)
        assert list(await queue.receive(10, visibility_s=LONG_S)) == []
        await let_pass(2 * SHORT_S)
        assert len(await received(queue, 1)) == 1

    async def test_what_is_needed_for_longer_can_be_kept(self, queue: WholeQueue, let_pass: LetPass) -> None:
        await queue.enqueue(_new("a"))
        await queue.release(await received(queue, 1, visibility_s=SHORT_S), after_s=LONG_S)
        await let_pass(SHORT_S)
        assert list(await queue.receive(10, visibility_s=LONG_S)) == []

    async def test_what_was_buried_is_a_dead_letter_with_its_reason(self, queue: WholeQueue) -> None:
        await queue.enqueue(_new("poison", "a"))
        for one in await received(queue, 2):
            if one.body == "poison":
                await queue.bury(one, "it cannot be read")
        (letter,) = await dead(queue, 1)
        assert (letter.body, letter.reason) == ("poison", "it cannot be read")
        assert letter.died_at > 0

    async def test_what_was_buried_is_not_received_again(self, queue: WholeQueue, let_pass: LetPass) -> None:
        await queue.enqueue(_new("poison"))
        await queue.bury((await received(queue, 1, visibility_s=SHORT_S))[0], "no")
        await let_pass(SHORT_S)
        assert list(await queue.receive(10, visibility_s=LONG_S)) == []

    async def test_what_is_never_acknowledged_becomes_a_dead_letter(self, queue: WholeQueue) -> None:
        await queue.enqueue(_new("crasher"))
        for count in range(1, MAX_RECEIVES + 1):
            (found,) = await received(queue, 1)
            assert found.receive_count == count
            await queue.release([found])
        assert list(await queue.receive(10, visibility_s=LONG_S)) == []
        (letter,) = await dead(queue, 1)
        assert letter.body == "crasher"

    async def test_dead_letters_can_be_redriven_and_count_anew(self, queue: WholeQueue) -> None:
        await queue.enqueue(_new("a", "b"))
        for one in await received(queue, 2):
            await queue.bury(one, "the model was broken")
        assert len(await dead(queue, 2)) == 2
        await queue.redrive()
        found = await received(queue, 2)
        assert _bodies(found) == ["a", "b"]
        assert [one.receive_count for one in found] == [1, 1]
        assert list(await queue.dead(10)) == []

    async def test_dead_letters_can_be_purged(self, queue: WholeQueue) -> None:
        await queue.enqueue(_new("a"))
        await queue.bury((await received(queue, 1))[0], "no")
        await queue.purge()
        assert list(await queue.dead(10)) == []
        assert list(await queue.receive(10, visibility_s=LONG_S)) == []

    async def test_a_body_of_any_text_comes_back(self, queue: WholeQueue) -> None:
        body = 'quoted " backslash \\ <tag> & é ☃ 😀 \t\n end'
        await queue.enqueue(_new(body))
        assert _bodies(await received(queue, 1)) == [body]


class FairJobQueueContract:
    """What a queue that is ours does beyond that. SQS does it, too, but only under load, and no emulator does."""

    async def test_a_group_with_much_waiting_does_not_keep_another_one_waiting(self, queue: WholeQueue) -> None:
        await queue.enqueue(_new(*(f"bulk {number}" for number in range(50)), group="bulk"))
        await queue.enqueue(_new("urgent", group="shop"))
        assert "urgent" in _bodies(await queue.receive(2, visibility_s=LONG_S))

    async def test_a_group_that_is_being_worked_on_comes_after_one_that_is_not(self, queue: WholeQueue) -> None:
        await queue.enqueue(_new(*(f"bulk {number}" for number in range(20)), group="bulk"))
        await queue.receive(5, visibility_s=LONG_S)
        await queue.enqueue(_new(*(f"shop {number}" for number in range(5)), group="shop"))
        assert all(one.body.startswith("shop") for one in await queue.receive(5, visibility_s=LONG_S))

    async def test_the_oldest_of_a_group_comes_first(self, queue: WholeQueue) -> None:
        await queue.enqueue(_new("1", "2", "3"))
        assert [one.body for one in await queue.receive(2, visibility_s=LONG_S)] == ["1", "2"]

    async def test_the_counts_of_dead_letters_are_exact(self, queue: WholeQueue) -> None:
        await queue.enqueue(_new("a", "b", "c"))
        for one in await received(queue, 3):
            await queue.bury(one, "no")
        assert await queue.redrive() == 3
        for one in await received(queue, 3):
            await queue.bury(one, "no")
        assert await queue.purge() == 3
        assert await queue.redrive() == 0
