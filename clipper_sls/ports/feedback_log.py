"""Where feedback is kept until a selection policy learns from it."""

from collections.abc import Sequence
from typing import Protocol

from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.query import Feedback


class FeedbackLog(Protocol):
    """Append-only, durable once `append` returns."""

    async def append(self, feedback: Feedback) -> None:
        """Keep `feedback`. Raises StorageFullError or StoreUnavailableError, and then has kept nothing."""
        ...

    async def read(self, application: AppName) -> Sequence[Feedback]:
        """All feedback of an application, in the order in which it was appended.

        What several processes append at one time may be in the order of their clocks. Raises StoreUnavailableError.
        """
        ...
