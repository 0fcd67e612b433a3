"""Replicas in containers, put together."""

import asyncio
import hashlib
from functools import partial

from clipper_sls.adapters.containers.container_engine import connected_engine
from clipper_sls.adapters.containers.container_launcher import ContainerLaunchers
from clipper_sls.bootstrap.replica_images import EngineImages
from clipper_sls.bootstrap.trust import trust
from clipper_sls.config import Settings
from clipper_sls.ports.bundle_store import BundleStore


async def container_launchers(settings: Settings, bundles: BundleStore) -> ContainerLaunchers:
    """Containers that an engine on the same state has left behind are gone. Raises ContainerEngineError."""
    engine = await asyncio.to_thread(connected_engine)
    images = EngineImages(
        engine=engine,
        bundles=bundles,
        base=settings.container_base,
        timeout_s=settings.environment_timeout_s,
        trust=partial(trust, settings),
    )
    launchers = ContainerLaunchers(
        engine=engine,
        images=images,
        network=settings.container_network,
        memory_mib=settings.replica_memory_mib,
        engine_id=hashlib.sha256(str(settings.state_path).encode()).hexdigest()[:16],
    )
    await launchers.open()
    return launchers
