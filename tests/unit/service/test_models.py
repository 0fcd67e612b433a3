import asyncio
from collections.abc import AsyncIterable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path

import pytest

from clipper_sls.domain.bundle import CLOSURE_ENTRY, Manifest
from clipper_sls.domain.endpoint import Endpoint
from clipper_sls.domain.identifiers import ModelId, ModelName, Version
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import ModelVersion, Scaling
from clipper_sls.errors import (
    ContainerlessModelError,
    InvalidBundleError,
    ModelStartError,
    UnknownVersionError,
    VersionContentError,
    VersionExistsError,
)
from clipper_sls.service.models import ModelService

PRICE = ModelName("price")
DIGEST, OTHER_DIGEST = "a" * 64, "b" * 64


class TwoBundles:
    """A store that has two bundles and does not care what is in them."""

    def __init__(self) -> None:
        self.kept: AbstractSet[str] | None = None

    async def put(self, archive: AsyncIterable[bytes]) -> Manifest:
        return Manifest("price", "1", "doubles", CLOSURE_ENTRY, "3.11", "3")

    async def manifest(self, digest: str) -> Manifest:
        if digest not in (DIGEST, OTHER_DIGEST):
            raise InvalidBundleError("no such bundle")
        return Manifest("price", "1", "doubles", CLOSURE_ENTRY, "3.11", "3")

    def path(self, digest: str) -> Path:
        return Path("/nowhere")

    async def keep_only(self, digests: AbstractSet[str]) -> None:
        self.kept = digests


def version(number: int, digest: str | None = DIGEST) -> ModelVersion:
    scaling = Scaling.fixed(1 if digest else 0)
    return ModelVersion(ModelId.of(PRICE, number), InputType.DOUBLES, bundle_digest=digest, scaling=scaling)


async def models(world, *records) -> ModelService:
    return ModelService(registry=await world.view(*records), host=world.host, bundles=TwoBundles(), clock=world.clock)


async def test_a_version_is_started_registered_and_current(world) -> None:
    service = await models(world)
    await service.add(version(1))
    snapshot = await world.registry.snapshot()
    assert snapshot.current(PRICE) == version(1)
    assert world.host.hosted == {version(1).id: Scaling(1, 1)}


async def test_a_version_that_does_not_start_leaves_everything_as_it_was(world) -> None:
    service = await models(world)
    await service.add(version(1))
    world.host.broken.add(version(2).id)
    with pytest.raises(ModelStartError, match="boom"):
        await service.add(version(2))
    snapshot = await world.registry.snapshot()
    assert (snapshot.current(PRICE), list(snapshot.versions)) == (version(1), [version(1).id])


async def test_a_bundle_that_was_never_uploaded_is_refused(world) -> None:
    world.host.digests = frozenset({DIGEST})
    service = await models(world)
    with pytest.raises(InvalidBundleError):
        await service.add(version(1, "f" * 64))
    assert world.host.hosted == {}


@pytest.mark.parametrize(("digest", "error"), [(DIGEST, VersionExistsError), (OTHER_DIGEST, VersionContentError)])
async def test_a_registered_version_is_never_replaced_nor_stopped(world, digest: str, error: type[Exception]) -> None:
    service = await models(world)
    await service.add(version(1))
    with pytest.raises(error):
        await service.add(version(1, digest))
    assert world.host.hosted == {version(1).id: Scaling(1, 1)}


async def test_of_two_deployers_of_one_version_exactly_one_wins(world) -> None:
    service = await models(world)
    results = await asyncio.gather(
        service.add(version(1)), service.add(version(1, OTHER_DIGEST)), return_exceptions=True
    )
    assert [type(result) for result in results] == [type(None), VersionContentError]
    assert world.host.hosted == {version(1).id: Scaling(1, 1)}


async def test_a_version_may_be_deployed_without_answering(world) -> None:
    service = await models(world)
    await service.add(version(1))
    await service.add(version(2), make_current=False)
    assert (await world.registry.snapshot()).current(PRICE) == version(1)


async def test_a_containerless_version_is_registered_and_not_started(world) -> None:
    service = await models(world)
    await service.add(version(1, None))
    assert world.host.hosted == {}
    with pytest.raises(ContainerlessModelError):
        await service.scale(version(1).id, Scaling(2, 2))


async def test_a_version_that_runs_elsewhere_is_handed_to_the_host(world) -> None:
    service = await models(world)
    elsewhere = replace(version(1, None), endpoint=Endpoint("http://127.0.0.1:1"))
    await service.add(elsewhere)
    assert elsewhere.id in world.host.hosted
    await service.resume_all()
    assert world.host.resumed == [elsewhere.id]
    await service.delete(elsewhere.id)
    assert world.host.hosted == {}


async def test_rolling_back_lets_the_version_before_answer_and_forward_again(world) -> None:
    service = await models(world)
    await service.add(version(1))
    await service.add(version(2))
    first = await service.roll_back(PRICE)
    assert (first.from_version, first.to_version) == ("2", "1")
    assert (await service.roll_back(PRICE)).to_version == "2"


async def test_setting_an_unknown_version_changes_nothing(world) -> None:
    service = await models(world)
    await service.add(version(1))
    with pytest.raises(UnknownVersionError):
        await service.set_current(PRICE, Version("2"))
    assert (await world.registry.snapshot()).current(PRICE) == version(1)


async def test_scaling_is_remembered(world) -> None:
    service = await models(world)
    await service.add(version(1))
    await service.scale(version(1).id, Scaling(0, 3))
    assert world.host.hosted == {version(1).id: Scaling(0, 3)}
    assert (await world.registry.snapshot()).versions[version(1).id].scaling == Scaling(0, 3)


async def test_scaling_that_fails_is_not_remembered(world) -> None:
    service = await models(world)
    await service.add(version(1))
    world.host.broken.add(version(1).id)
    with pytest.raises(ModelStartError):
        await service.scale(version(1).id, Scaling(3, 3))
    assert (await world.registry.snapshot()).versions[version(1).id].scaling == Scaling(1, 1)


async def test_a_deleted_version_is_stopped_and_may_be_deployed_anew_with_other_content(world) -> None:
    service = await models(world)
    await service.add(version(1))
    await service.delete(version(1).id)
    assert world.host.hosted == {}
    await service.add(version(1, OTHER_DIGEST))
    assert (await world.registry.snapshot()).current(PRICE) == version(1, OTHER_DIGEST)


async def test_after_a_restart_what_is_registered_is_hosted_and_other_bundles_are_dropped(world) -> None:
    bundles = TwoBundles()
    view = await world.view(version(1), version(2, OTHER_DIGEST), version(3, None))
    service = ModelService(registry=view, host=world.host, bundles=bundles, clock=world.clock)
    await service.resume_all()
    assert world.host.resumed == [version(1).id, version(2).id]
    assert bundles.kept == {DIGEST, OTHER_DIGEST}
