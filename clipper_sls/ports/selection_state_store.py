"""Where selection policies keep what they have learnt."""

from typing import NamedTuple, Protocol

from clipper_sls.domain.identifiers import AppName


class VersionedState(NamedTuple):
    """A state, opaque here, and how often it was written: 1 for the first time."""

    state: bytes
    revision: int


class SelectionStateStore(Protocol):
    """One state per application and user, and one per application for all users, whose `user_id` is None.

    Linearisable for each of them: what was read holds every write that returned before. A write is durable once it
    returns.
    """

    async def read(self, application: AppName, user_id: int | None) -> VersionedState | None:
        """None when nothing was written. Raises StoreUnavailableError."""
        ...

    async def write(
        self, application: AppName, user_id: int | None, state: bytes, expected_revision: int
    ) -> VersionedState:
        """Replace the state if its revision is still the expected one, 0 where there is to be none.

        The revision grows by one. Raises StaleWriteError when somebody else wrote first, StorageFullError for a state
        larger than MAX_STATE_BYTES or when there is no room (nothing is kept), StoreUnavailableError otherwise.
        """
        ...

    async def forget(self, application: AppName) -> None:
        """Remove all states of an application, those of its users, too. Raises StoreUnavailableError."""
        ...
