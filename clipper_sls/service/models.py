"""Deploying, switching, scaling and deleting model versions.

A version is started before it is registered and registered before it answers, all or nothing: until the one commit
that does both of the latter, nobody sees it; after that commit, everybody does.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterable
from dataclasses import dataclass

from clipper_sls.domain import changes
from clipper_sls.domain.identifiers import ModelId, ModelName, Version
from clipper_sls.domain.records import ModelVersion, Scaling
from clipper_sls.ports.bundle_store import BundleStore
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.model_host import ModelHost
from clipper_sls.service.registry_view import RegistryView


@dataclass(frozen=True, slots=True)
class Rollback:
    """What a rollback did."""

    model: ModelName
    from_version: Version | None
    to_version: Version


class ModelService:
    def __init__(self, *, registry: RegistryView, host: ModelHost, bundles: BundleStore, clock: Clock) -> None:
        self._registry = registry
        self._host = host
        self._bundles = bundles
        self._clock = clock
        # One change of a version at a time; a lock is a few hundred bytes and version names are few.
        self._locks: defaultdict[ModelId, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def upload_bundle(self, archive: AsyncIterable[bytes]) -> str:
        """Keep a bundle and return its digest."""
        return (await self._bundles.put(archive)).digest

    async def add(self, version: ModelVersion, make_current: bool = True) -> None:
        """Start, register and switch to `version`.

        Raises the errors of `changes.register_version` and `ModelHost.identified`, and the ModelErrors of
        `ModelHost.start`. After any of them everything is as it was before.
        """
        async with self._locks[version.id]:
            if version.has_replicas:
                version = await self._host.identified(version)
            changes.check_version_is_new(self._registry.snapshot, version)
            if version.content:
                await self._host.start(version)
            try:
                await self._registry.commit(lambda snap: changes.register_version(snap, version, make_current))
            except BaseException:
                await self._host.stop(version.id)
                raise

    async def delete(self, model: ModelId) -> None:
        """Forget a version, then stop its replicas; rows that they are working on are still answered."""
        async with self._locks[model]:
            await self._registry.commit(lambda snapshot: changes.delete_version(snapshot, model))
            await self._host.stop(model)

    async def set_current(self, model: ModelName, version: Version) -> None:
        """Roll forward or back to a registered version: one commit, no replica is started or stopped."""
        at = self._clock.wall()
        await self._registry.commit(lambda snapshot: changes.set_current(snapshot, model, version, at))

    async def roll_back(self, model: ModelName) -> Rollback:
        """Let the version answer that did so before the present one."""
        before = self._registry.snapshot.current(model)
        target = changes.previous_version(self._registry.snapshot, model)
        await self.set_current(model, target)
        return Rollback(model, before.id.version if before else None, target)

    async def scale(self, model: ModelId, scaling: Scaling) -> None:
        """Change the number of replicas, for good. Raises ModelStartError when the new ones do not start."""
        async with self._locks[model]:
            changes.scale_version(self._registry.snapshot, model, scaling)
            await self._host.scale(model, scaling)
            await self._registry.commit(lambda snapshot: changes.scale_version(snapshot, model, scaling))

    async def resume_all(self) -> None:
        """After a restart: host every registered version again, and drop the bundles of deploys that never finished."""
        versions = self._registry.snapshot.versions.values()
        await self._bundles.keep_only({version.bundle_digest for version in versions if version.bundle_digest})
        for version in versions:
            if version.content:
                await self._host.resume(version)
