"""Accepting feedback: recorded before it is acknowledged."""

from clipper_sls.domain.query import Feedback
from clipper_sls.domain.records import Application
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.feedback_log import FeedbackLog


class FeedbackService:
    def __init__(self, *, log: FeedbackLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock

    async def record(self, application: Application, user_id: int, input_json: bytes, label: float) -> None:
        """Keep one piece of feedback; once this returns it survives a crash. Raises StoreError."""
        feedback = Feedback(application.name, user_id, input_json, label, received_at=self._clock.wall())
        await self._log.append(feedback)
