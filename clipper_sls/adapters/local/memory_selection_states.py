"""Selection states in this process' memory: for tests, and for whatever need not survive."""

from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.selection.state_rules import check_size, stale
from clipper_sls.ports.selection_state_store import VersionedState


class MemorySelectionStates:
    def __init__(self) -> None:
        self._states: dict[tuple[AppName, int | None], VersionedState] = {}

    async def read(self, application: AppName, user_id: int | None) -> VersionedState | None:
        return self._states.get((application, user_id))

    async def write(
        self, application: AppName, user_id: int | None, state: bytes, expected_revision: int
    ) -> VersionedState:
        check_size(application, state)
        present = self._states.get((application, user_id))
        if (present.revision if present else 0) != expected_revision:
            raise stale(application, user_id, expected_revision)
        written = VersionedState(state, expected_revision + 1)
        self._states[application, user_id] = written
        return written

    async def forget(self, application: AppName) -> None:
        self._states = {key: state for key, state in self._states.items() if key[0] != application}
