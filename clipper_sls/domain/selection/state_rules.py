"""What holds for the state of a selection policy, wherever it is kept. Pure."""

from clipper_sls.domain.identifiers import AppName
from clipper_sls.errors import StaleWriteError, StorageFullError

MAX_STATE_BYTES = 256 * 1024
"""It is read for a query, and an item of DynamoDB has 400 KB."""


def check_size(application: AppName, state: bytes) -> None:
    """Raises StorageFullError."""
    if len(state) > MAX_STATE_BYTES:
        raise StorageFullError(
            f"A selection state of application '{application}' has {len(state)} bytes, and may have {MAX_STATE_BYTES}; "
            f"nothing of it was kept. Link fewer models, or let its policy remember less"
        )


def stale(application: AppName, user_id: int | None, revision: int) -> StaleWriteError:
    who = "all users" if user_id is None else f"user {user_id}"
    return StaleWriteError(f"The selection state of '{application}' for {who} is no longer at revision {revision}")
