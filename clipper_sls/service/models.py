"""Deploying, switching, scaling and deleting model versions.

A version is started before it is registered and registered before it answers, all or nothing: until the one commit
that does both of the latter, nobody sees it; after that commit, everybody does.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterable
from contextlib import suppress
from dataclasses import dataclass

from clipper_sls.domain import changes, traffic
from clipper_sls.domain.identifiers import ModelId, ModelName, Version
from clipper_sls.domain.records import ModelVersion, RegistrySnapshot, Scaling
from clipper_sls.domain.traffic import Answering, answering
from clipper_sls.errors import ClipperError
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
            changes.check_version_is_new(await self._registry.newest(), version)
            if version.content:
                await self._host.start(version)
            try:
                if make_current:
                    await self._let_answer(Answering(version))
                await self._registry.commit(lambda snap: changes.register_version(snap, version, make_current))
            except BaseException:
                await self._host.withdraw(version.id)
                with suppress(ClipperError):
                    await self._settle(version.id.name)
                raise
            await self._settle(version.id.name)

    async def delete(self, model: ModelId) -> None:
        """Forget a version, then stop its replicas; rows that they are working on are still answered."""
        async with self._locks[model]:
            await self._registry.commit(lambda snapshot: changes.delete_version(snapshot, model))
            await self._settle(model.name)
            await self._host.stop(model)

    async def set_current(self, model: ModelName, version: Version) -> None:
        """Roll forward or back to a registered version: one commit, no replica is started or stopped.

        Where a host has to be told who answers, it is told before, so that it takes effect at once. Broken off between
        the two, the same call once more ends it.
        """
        await self._set_current(await self._registry.newest(), model, version)

    async def _set_current(self, snapshot: RegistrySnapshot, model: ModelName, version: Version) -> None:
        at = self._clock.wall()
        changes.set_current(snapshot, model, version, at)
        await self._let_answer(Answering(snapshot.versions[ModelId(model, version)]))
        await self._registry.commit(lambda snapshot: changes.set_current(snapshot, model, version, at))
        await self._settle(model)

    async def set_canary(self, model: ModelName, version: Version, percent: float) -> None:
        """Give a registered version `percent` of the queries beside the current one; 0 ends it.

        Raises the errors of `traffic.set_canary`.
        """
        await self._registry.newest()
        await self._registry.commit(lambda snapshot: traffic.set_canary(snapshot, model, version, percent))
        await self._settle(model)

    async def roll_back(self, model: ModelName) -> Rollback:
        """Let the version answer that did so before the present one."""
        snapshot = await self._registry.newest()
        before = snapshot.current(model)
        target = changes.previous_version(snapshot, model)
        await self._set_current(snapshot, model, target)
        return Rollback(model, before.id.version if before else None, target)

    async def scale(self, model: ModelId, scaling: Scaling) -> None:
        """Change the number of replicas, for good. Raises ModelStartError when the new ones do not start."""
        async with self._locks[model]:
            changes.scale_version(self._registry.snapshot, model, scaling)
            await self._host.scale(model, scaling)
            await self._registry.commit(lambda snapshot: changes.scale_version(snapshot, model, scaling))

    async def _let_answer(self, wanted: Answering) -> None:
        async def decide() -> Answering:
            return wanted

        await self._host.let_answer(wanted.version.id.name, decide)

    async def _settle(self, model: ModelName) -> None:
        """Of several changes at one time the last commit counts, and whoever commits sees to it that it is followed."""

        async def decide() -> Answering | None:
            return answering(await self._registry.load(), model)

        await self._host.let_answer(model, decide)

    async def resume_all(self) -> None:
        """After a restart: host every registered version again, and drop the bundles of deploys that never finished."""
        versions = self._registry.snapshot.versions.values()
        await self._bundles.keep_only({version.bundle_digest for version in versions if version.bundle_digest})
        for version in versions:
            if version.content:
                await self._host.resume(version)
