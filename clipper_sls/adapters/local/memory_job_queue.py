"""Jobs that wait in this process' memory: for tests, and for whatever need not survive."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from clipper_sls.adapters.local.arrivals import Arrivals
from clipper_sls.domain.jobs.fairness import take_fairly
from clipper_sls.domain.jobs.messages import MOST_RECEIVED, DeadLetter, NewMessage, Received, gave_up
from clipper_sls.ports.clock import Clock


@dataclass(slots=True)
class _Waiting:
    number: int
    message: NewMessage
    visible_at: float  # by Clock.now
    receive_count: int = 0


class MemoryJobQueue:
    """Implements `JobQueue` and `DeadLetters`."""

    def __init__(self, *, clock: Clock, max_receives: int, max_message_bytes: int = 2**30) -> None:
        self.max_message_bytes = max_message_bytes
        self._clock = clock
        self._max_receives = max_receives
        self._numbers = itertools.count(1)
        self._waiting: dict[str, _Waiting] = {}  # by message id, the oldest first
        self._dead: dict[str, tuple[str, DeadLetter]] = {}  # with its group
        self._arrivals = Arrivals(clock)

    async def enqueue(self, messages: Sequence[NewMessage]) -> None:
        for message in messages:
            number = next(self._numbers)
            self._waiting[str(number)] = _Waiting(number, message, self._clock.now())
        self._arrivals.announce()

    async def receive(self, most: int, *, visibility_s: float, wait_s: float = 0.0) -> Sequence[Received]:
        async def take() -> Sequence[Received]:
            return self._take(min(most, MOST_RECEIVED), visibility_s)

        return await self._arrivals.first(take, self._next_visible, wait_s)

    async def acknowledge(self, received: Sequence[Received]) -> None:
        for one in received:
            self._waiting.pop(one.message_id, None)

    async def release(self, received: Sequence[Received], *, after_s: float = 0.0) -> None:
        for one in received:
            if one.message_id in self._waiting:
                self._waiting[one.message_id].visible_at = self._clock.now() + after_s
        self._arrivals.announce()

    async def bury(self, received: Received, reason: str) -> None:
        found = self._waiting.pop(received.message_id, None)
        if found is not None:
            self._bury(received.message_id, found, reason)

    async def dead(self, most: int) -> Sequence[DeadLetter]:
        return [letter for _, letter in itertools.islice(self._dead.values(), most)]

    async def redrive(self) -> int:
        letters, self._dead = self._dead, {}
        await self.enqueue([NewMessage(group, letter.body) for group, letter in letters.values()])
        return len(letters)

    async def purge(self) -> int:
        count = len(self._dead)
        self._dead.clear()
        return count

    def _take(self, most: int, visibility_s: float) -> Sequence[Received]:
        now = self._clock.now()
        self._bury_exhausted(now)
        waiting: dict[str, list[str]] = {}
        in_flight: dict[str, int] = {}
        for message_id, one in self._waiting.items():
            group = one.message.group
            if one.visible_at <= now:
                waiting.setdefault(group, []).append(message_id)
            else:
                in_flight[group] = in_flight.get(group, 0) + 1
        return [self._received(message_id, now + visibility_s) for message_id in take_fairly(waiting, in_flight, most)]

    def _received(self, message_id: str, visible_at: float) -> Received:
        one = self._waiting[message_id]
        one.receive_count += 1
        one.visible_at = visible_at
        return Received(message_id, f"{message_id}:{one.receive_count}", one.message.body, one.receive_count)

    def _bury_exhausted(self, now: float) -> None:
        for message_id, one in list(self._waiting.items()):
            if one.visible_at <= now and one.receive_count >= self._max_receives:
                del self._waiting[message_id]
                self._bury(message_id, one, gave_up(one.receive_count))

    def _bury(self, message_id: str, one: _Waiting, reason: str) -> None:
        letter = DeadLetter(message_id, one.message.body, reason, self._clock.wall())
        self._dead[message_id] = (one.message.group, letter)

    async def _next_visible(self) -> float | None:
        """When, by `Clock.now`, a message may be received that may not be now."""
        now = self._clock.now()
        return min((one.visible_at for one in self._waiting.values() if one.visible_at > now), default=None)
