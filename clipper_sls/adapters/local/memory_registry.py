"""The registry in this process' memory: for tests, and for whatever need not survive."""

from collections.abc import Sequence

from clipper_sls.domain.changes import Change, Delete, Put
from clipper_sls.domain.record_json import record_key
from clipper_sls.domain.records import Record, RegistrySnapshot
from clipper_sls.errors import StaleWriteError


class MemoryRegistry:
    def __init__(self) -> None:
        self._records: dict[tuple[str, str], Record] = {}
        self._revision = 0

    async def snapshot(self) -> RegistrySnapshot:
        return RegistrySnapshot.of(self._revision, self._records.values())

    async def commit(self, changes: Sequence[Change], expected_revision: int) -> RegistrySnapshot:
        if changes and expected_revision != self._revision:
            raise StaleWriteError(f"The registry is no longer at revision {expected_revision}")
        for change in changes:
            match change:
                case Put(record):
                    self._records[record_key(record)] = record
                case Delete(record):
                    self._records.pop(record_key(record), None)
        self._revision += bool(changes)
        return await self.snapshot()
