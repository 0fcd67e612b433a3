"""Where jobs wait: a queue that delivers at least once, and the letters that nobody could deliver.

Small enough for SQS: standard queues with message groups, a visibility time, a dead-letter queue that cannot be looked
into without receiving from it.
"""

from collections.abc import Sequence
from typing import Protocol

from clipper_sls.domain.jobs.messages import DeadLetter, NewMessage, Received


class JobQueue(Protocol):
    """In no particular order, at least once. Every method may raise StoreUnavailableError."""

    @property
    def max_message_bytes(self) -> int:
        """Largest body, in bytes of UTF-8, that `enqueue` takes."""
        ...

    async def enqueue(self, messages: Sequence[NewMessage]) -> None:
        """Keep `messages`, durably once this returns. May raise StorageFullError; after an error some may be kept."""
        ...

    async def receive(self, most: int, *, visibility_s: float, wait_s: float = 0.0) -> Sequence[Received]:
        """Some of what waits, at most `most` and at most 10; none only after `wait_s`, or when none waits.

        What is received is not delivered again for `visibility_s`, and then it is, unless it was acknowledged. What
        was delivered as often as the queue allows goes to the dead letters instead. Of several groups none is kept
        waiting by what the others have.
        """
        ...

    async def acknowledge(self, received: Sequence[Received]) -> None:
        """Not to be delivered any more. One that is gone already is no error."""
        ...

    async def release(self, received: Sequence[Received], *, after_s: float = 0.0) -> None:
        """Deliver again, `after_s` from now; so one keeps what takes longer, too. One that is gone is no error."""
        ...

    async def bury(self, received: Received, reason: str) -> None:
        """Put it among the dead letters, with the reason, and do not deliver it any more."""
        ...


class DeadLetters(Protocol):
    """What was given up, for people. Every method may raise StoreUnavailableError."""

    async def dead(self, most: int) -> Sequence[DeadLetter]:
        """Some of them, at most `most`. Where one cannot look without receiving, others see fewer for a moment."""
        ...

    async def redrive(self) -> int:
        """Let all of them be delivered again, as if new; how many that is, as far as the queue can tell."""
        ...

    async def purge(self) -> int:
        """Forget all of them; how many that is, as far as the queue can tell."""
        ...
