"""Where applications, versions, links and current versions are kept."""

from collections.abc import Sequence
from typing import Protocol

from clipper_sls.domain.changes import Change
from clipper_sls.domain.records import RegistrySnapshot


class Registry(Protocol):
    """A small durable table of records with one revision number over all of them.

    Linearisable: a snapshot holds every commit that returned before it was asked for. A commit is atomic and durable
    once it returns, whatever happens to the process. Links keep the order in which they were made.
    """

    async def snapshot(self) -> RegistrySnapshot:
        """Everything, at its newest revision. Raises StoreUnavailableError."""
        ...

    async def commit(self, changes: Sequence[Change], expected_revision: int) -> RegistrySnapshot:
        """Apply `changes` if the revision is still the expected one, and return what is there now.

        The revision grows by one. No changes: nothing is written and the present snapshot returned. Raises
        StaleWriteError when somebody else wrote first, StorageFullError when there is no room (nothing is kept),
        StoreUnavailableError otherwise.
        """
        ...
