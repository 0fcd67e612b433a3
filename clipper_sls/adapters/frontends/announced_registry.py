"""A registry whose changes are everybody's before they are acknowledged."""

from collections.abc import Awaitable, Callable, Sequence

from clipper_sls.domain.changes import Change
from clipper_sls.domain.records import RegistrySnapshot
from clipper_sls.ports.registry import Registry


class AnnouncedRegistry:
    """`announce` returns when every front end answers by the snapshot, or by a newer one; it does not fail."""

    def __init__(self, registry: Registry, announce: Callable[[RegistrySnapshot], Awaitable[None]]) -> None:
        self._registry = registry
        self._announce = announce

    async def snapshot(self) -> RegistrySnapshot:
        return await self._registry.snapshot()

    async def commit(self, changes: Sequence[Change], expected_revision: int) -> RegistrySnapshot:
        snapshot = await self._registry.commit(changes, expected_revision)
        if changes:
            await self._announce(snapshot)
        return snapshot
