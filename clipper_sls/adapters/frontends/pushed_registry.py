"""The registry of a front end: what the engine told it last."""

from collections.abc import Sequence

from clipper_sls.domain.changes import Change
from clipper_sls.domain.records import RegistrySnapshot
from clipper_sls.errors import StoreUnavailableError


class PushedRegistry:
    """Implements `Registry` for reading; changes are made in the engine, which tells of them."""

    def __init__(self) -> None:
        self.newest = RegistrySnapshot()

    async def snapshot(self) -> RegistrySnapshot:
        return self.newest

    async def commit(self, changes: Sequence[Change], expected_revision: int) -> RegistrySnapshot:
        raise StoreUnavailableError("A front end changes nothing; ask the engine's management application")
