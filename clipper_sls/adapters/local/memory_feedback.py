"""Feedback in this process' memory: for tests."""

from collections.abc import Sequence

from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.query import Feedback


class MemoryFeedbackLog:
    def __init__(self) -> None:
        self._feedback: list[Feedback] = []

    async def append(self, feedback: Feedback) -> None:
        self._feedback.append(feedback)

    async def read(self, application: AppName) -> Sequence[Feedback]:
        return [feedback for feedback in self._feedback if feedback.application == application]
