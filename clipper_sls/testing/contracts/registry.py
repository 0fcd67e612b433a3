"""What every registry must do. A subclass has the fixture `registry`."""

import asyncio
from dataclasses import replace

import pytest

from clipper_sls.domain.changes import Delete, Put
from clipper_sls.domain.functions.names import version_alias
from clipper_sls.domain.functions.published import PublishedFunction
from clipper_sls.domain.identifiers import AppName, ModelId, ModelName, Version
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import Application, Canary, Current, Link, Mode, ModelVersion, Record, Scaling, Switch
from clipper_sls.domain.serving import Batching, Serving
from clipper_sls.errors import StaleWriteError
from clipper_sls.ports.registry import Registry

APPLICATION = Application(AppName("shop"), InputType.DOUBLES, 'quoted "default" é', 100_000)
VERSION = ModelVersion(
    ModelId.of("price", "1"),
    InputType.DOUBLES,
    labels=("a", "b"),
    bundle_digest="0" * 64,
    scaling=Scaling(0, 3),
    serving=Serving(Batching.QUANTILE, 0.002, is_cached=False, cache_ttl_s=60.0, is_idempotent=False, hedging=True),
)
ON_LAMBDA = replace(
    VERSION,
    id=ModelId.of("price", "2"),
    function=PublishedFunction("stack-model-price", "7", version_alias(Version("2"))),
)
QUEUED = Application(AppName("night"), InputType.JSON, "{}", 30_000_000, Mode.QUEUE)
EVERY_KIND: tuple[Record, ...] = (
    APPLICATION,
    QUEUED,
    VERSION,
    ON_LAMBDA,
    Link(AppName("shop"), ModelName("price")),
    Current(ModelName("price"), (Switch(Version("1"), 1.5), Switch(Version("2"), 2.25)), Canary(Version("1"), 12.5)),
)


class RegistryContract:
    async def test_a_new_registry_is_empty(self, registry: Registry) -> None:
        snapshot = await registry.snapshot()
        assert (snapshot.revision, snapshot.applications, snapshot.versions) == (0, {}, {})

    async def test_every_kind_of_record_comes_back_as_it_was(self, registry: Registry) -> None:
        committed = await registry.commit([Put(record) for record in EVERY_KIND], 0)
        read = await registry.snapshot()
        assert read == committed
        assert read.applications == {APPLICATION.name: APPLICATION, QUEUED.name: QUEUED}
        assert (read.versions[VERSION.id], read.versions[ON_LAMBDA.id]) == (VERSION, ON_LAMBDA)
        assert read.linked(AppName("shop")) == (ModelName("price"),)
        assert read.currents[ModelName("price")] == EVERY_KIND[-1]

    async def test_a_commit_advances_the_revision_by_one(self, registry: Registry) -> None:
        assert (await registry.commit([Put(record) for record in EVERY_KIND], 0)).revision == 1
        assert (await registry.commit([Delete(APPLICATION)], 1)).revision == 2

    async def test_no_changes_write_nothing_whatever_was_expected(self, registry: Registry) -> None:
        assert (await registry.commit([], 99)).revision == 0

    async def test_put_replaces_and_delete_removes(self, registry: Registry) -> None:
        changed = Application(APPLICATION.name, InputType.STRINGS, "other", 1)
        await registry.commit([Put(APPLICATION), Put(VERSION)], 0)
        snapshot = await registry.commit([Put(changed), Delete(VERSION)], 1)
        assert (list(snapshot.applications.values()), snapshot.versions) == ([changed], {})

    async def test_deleting_what_is_not_there_is_no_error(self, registry: Registry) -> None:
        assert (await registry.commit([Delete(VERSION)], 0)).versions == {}

    async def test_a_stale_commit_is_refused_and_changes_nothing(self, registry: Registry) -> None:
        await registry.commit([Put(APPLICATION)], 0)
        with pytest.raises(StaleWriteError):
            await registry.commit([Put(VERSION)], 0)
        snapshot = await registry.snapshot()
        assert (snapshot.revision, snapshot.versions) == (1, {})

    async def test_of_many_at_once_on_one_revision_exactly_one_wins(self, registry: Registry) -> None:
        applications = [Application(AppName(f"app-{n}"), InputType.JSON, "", 1) for n in range(10)]
        results = await asyncio.gather(
            *(registry.commit([Put(application)], 0) for application in applications), return_exceptions=True
        )
        assert sum(isinstance(result, StaleWriteError) for result in results) == 9
        assert len((await registry.snapshot()).applications) == 1

    async def test_links_keep_the_order_in_which_they_were_made(self, registry: Registry) -> None:
        names = [ModelName(name) for name in ("zebra", "ant", "mule")]
        for revision, name in enumerate(names):
            await registry.commit([Put(Link(AppName("shop"), name))], revision)
        assert (await registry.snapshot()).linked(AppName("shop")) == tuple(names)
