import random
from dataclasses import dataclass, field, replace

import pytest

from clipper_sls.domain.functions.hosted import (
    CallResult,
    FunctionCall,
    FunctionOutcome,
    FunctionReference,
    FunctionVersion,
    ImageCode,
)
from clipper_sls.domain.queue_batches import QueueWindow
from clipper_sls.service.local_lambda import LocalLambda

FIRST = FunctionVersion("digits", "1", "a", "arn", ImageCode("r@sha256:" + "a" * 64), timeout_s=3.0, memory_mib=128)
SECOND = replace(FIRST, number="2", revision="b")
CURRENT = FunctionReference("digits", "current")


@dataclass
class Catalog:
    """Where references lead, and how much is provisioned for them."""

    leads_to: dict[FunctionReference, FunctionVersion] = field(default_factory=dict)
    counts: dict[FunctionReference, int] = field(default_factory=dict)

    async def resolved(self, reference: FunctionReference, chance: float) -> FunctionVersion | None:
        assert 0 <= chance < 1
        return self.leads_to.get(reference)

    async def provisioned(self, reference: FunctionReference) -> int:
        return self.counts.get(reference, 0)

    async def window(self, name: str, source: str) -> QueueWindow | None:
        return None


@dataclass
class Runner:
    kept: dict[str, int] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)

    async def run(self, function: FunctionVersion, call: FunctionCall) -> CallResult:
        return FunctionOutcome(function.number.encode())

    def start_ahead(self, function: FunctionVersion) -> None:
        self.started.append(function.number)

    def provision(self, function: FunctionVersion, count: int) -> None:
        self.kept[function.number] = count


@pytest.fixture
def catalog() -> Catalog:
    return Catalog()


@pytest.fixture
def runner() -> Runner:
    return Runner()


@pytest.fixture
def plane(catalog: Catalog, runner: Runner) -> LocalLambda:
    return LocalLambda(catalog=catalog, runner=runner, chance=random.Random(1))


async def test_a_new_version_is_started(plane: LocalLambda, catalog: Catalog, runner: Runner) -> None:
    catalog.leads_to[CURRENT] = FIRST
    await plane.changed(CURRENT)
    assert (runner.started, runner.kept) == (["1"], {})


async def test_what_is_provisioned_follows_the_alias(plane: LocalLambda, catalog: Catalog, runner: Runner) -> None:
    catalog.leads_to[CURRENT], catalog.counts[CURRENT] = FIRST, 2
    await plane.changed(CURRENT)
    catalog.leads_to[CURRENT] = SECOND
    await plane.changed(CURRENT)
    assert runner.kept == {"1": 0, "2": 2}


async def test_what_is_provisioned_no_more_is_let_go(plane: LocalLambda, catalog: Catalog, runner: Runner) -> None:
    catalog.leads_to[CURRENT], catalog.counts[CURRENT] = FIRST, 2
    await plane.changed(CURRENT)
    del catalog.counts[CURRENT]
    await plane.changed(CURRENT)
    assert runner.kept == {"1": 0}


async def test_an_alias_that_is_deleted_keeps_nothing(plane: LocalLambda, catalog: Catalog, runner: Runner) -> None:
    catalog.leads_to[CURRENT], catalog.counts[CURRENT] = FIRST, 2
    await plane.changed(CURRENT)
    del catalog.leads_to[CURRENT]
    await plane.changed(CURRENT)
    assert runner.kept == {"1": 0}
    assert await plane.version(CURRENT) is None


async def test_what_shall_be_kept_ready_is_provisioned(plane: LocalLambda, catalog: Catalog, runner: Runner) -> None:
    catalog.leads_to[CURRENT] = FIRST
    await plane.keep_ready(CURRENT, 1)
    await plane.keep_ready(FunctionReference("unknown", None), 1)
    assert runner.kept == {"1": 1}
