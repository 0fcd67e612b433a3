"""Answers that wait until the replica that gave them has its next batch.

It asks for more a fraction of a millisecond later. Answering the callers of a large batch takes longer than that, and
the replica would wait for it.
"""

import asyncio
from collections.abc import Callable

from clipper_sls.adapters.engine.calls import Answers
from clipper_sls.adapters.engine.row_queue import Batch

HOLD_S = 0.001
"""How long answers wait at most for their replica to come back."""


class HeldAnswers:
    """`answer` is called for each batch that was held, in order, on `release` or after `HOLD_S`."""

    def __init__(self, answer: Callable[[Batch, Answers], None]) -> None:
        self._answer = answer
        self._held: list[tuple[Batch, Answers]] = []

    def __bool__(self) -> bool:
        return bool(self._held)

    def hold(self, batch: Batch, results: Answers) -> None:
        self._held.append((batch, results))
        if len(self._held) == 1:
            asyncio.get_running_loop().call_later(HOLD_S, self.release)

    def release(self) -> None:
        held, self._held = self._held, []
        for batch, results in held:
            self._answer(batch, results)
