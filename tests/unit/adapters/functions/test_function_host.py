"""The host on Lambda below the real service: who answers is what was committed last, whoever does what at one time."""

import asyncio
import itertools
import random
from dataclasses import dataclass, field

import pytest

from clipper_sls.adapters.functions.function_host import FunctionHost
from clipper_sls.adapters.functions.no_bundles import NoBundles
from clipper_sls.adapters.local.memory_registry import MemoryRegistry
from clipper_sls.aws_errors import AwsResourceAbsentError, BundleUploadError
from clipper_sls.domain.deployment.content import BUNDLE_DIGEST_VARIABLE, FunctionContent
from clipper_sls.domain.deployment.observed import Alias, WeightedNumber
from clipper_sls.domain.deployment.planning import DesiredVersion
from clipper_sls.domain.endpoint import Endpoint
from clipper_sls.domain.functions.names import StackNames
from clipper_sls.domain.identifiers import ModelId, ModelName, Version
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import ModelVersion, Scaling
from clipper_sls.domain.replicas import Health
from clipper_sls.errors import (
    InvalidSettingError,
    ModelStartError,
    StaleWriteError,
    StoreUnavailableError,
    UnsupportedImageError,
    VersionExistsError,
)
from clipper_sls.service.deploying import Deployer
from clipper_sls.service.models import ModelService
from clipper_sls.service.registry_view import RegistryView
from clipper_sls.testing import ManualClock
from clipper_sls.testing.fake_functions import FakeImages, FakeProvisioner, FakeRegister

NAMES, PRICE = StackNames("st"), ModelName("price")
FUNCTION = NAMES.function(PRICE)


def _digest(version: object) -> str:
    return f"{version!s:0>64}"


def _image(version: object) -> str:
    return f"images.test/price@sha256:{_digest(version)}"


def _version(number: int, scaling: Scaling = Scaling(0, 1000)) -> ModelVersion:  # noqa: B008
    return ModelVersion(
        ModelId.of(PRICE, number),
        InputType.DOUBLES,
        container_name=_image(number),
        bundle_digest=_digest(number),  # of the image, as whoever registers has it; the host corrects it
        scaling=scaling,
        registered_at=float(number),
    )


@dataclass
class Cloud:
    aws: FakeProvisioner = field(default_factory=FakeProvisioner)
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)
    wrong: dict[tuple[str, str], str] = field(default_factory=dict)  # what a first call of a function's alias meets

    async def service(self) -> ModelService:
        """One of the management functions that run at one time."""
        clock = _RunningClock()
        view = RegistryView(registry=self.registry, clock=clock, max_age_s=0.0)
        await view.load()
        self.host = FunctionHost(
            names=NAMES,
            provisioner=self.aws,
            first_call=lambda function, alias: self.wrong.get((function, alias)),
            versions=lambda: view.snapshot.versions.values(),
            clock=clock,
            chance=random.Random(3),
        )
        return ModelService(registry=view, host=self.host, bundles=NoBundles(), clock=clock)

    def bring(self, number: int, digest: str | None = None) -> None:
        """What a deployer does before it registers."""
        environment = {BUNDLE_DIGEST_VARIABLE: digest or f"{number:b>64}"}
        content = FunctionContent(_image(number), "arn:role", 512, 30, environment=environment)
        model = ModelId.of(PRICE, number)
        register = FakeRegister(environment[BUNDLE_DIGEST_VARIABLE])
        deployer = Deployer(
            provisioner=self.aws,
            register=register,
            images=FakeImages(),
            pause=lambda seconds: None,
            chance=random.Random(1),
            tell=lambda step: None,
        )
        deployer.deploy(DesiredVersion(model, FUNCTION, content, Scaling(0, 1000)))

    def current(self) -> Alias:
        alias = self.aws.alias(FUNCTION, "current")
        assert alias is not None
        return alias

    async def registered(self) -> str | None:
        current = (await self.registry.snapshot()).current(PRICE)
        return current.id.version if current else None


class _RunningClock(ManualClock):
    """Time passes for whoever waits."""

    _ticks = itertools.count()

    async def sleep_until(self, moment: float) -> None:
        await asyncio.sleep(0)

    def now(self) -> float:
        return float(next(self._ticks))


async def _three_versions() -> tuple[Cloud, ModelService]:
    cloud = Cloud()
    service = await cloud.service()
    for number in (1, 2, 3):
        cloud.bring(number)
        await service.add(_version(number))
    return cloud, service


async def test_a_version_that_was_brought_there_is_registered_with_its_function_and_answers() -> None:
    cloud, _ = await _three_versions()
    found = (await cloud.registry.snapshot()).versions[ModelId.of(PRICE, 2)]
    assert found.function is not None
    assert (found.function.name, found.function.number, found.function.alias) == (FUNCTION, "2", "v-2")
    assert found.bundle_digest == f"{2:b>64}"
    assert (cloud.current().number, await cloud.registered()) == ("3", "3")


async def test_what_was_not_brought_there_is_refused_with_what_to_do() -> None:
    cloud = Cloud()
    service = await cloud.service()
    with pytest.raises(UnsupportedImageError, match="clipper-sls deploy --stack st"):
        await service.add(_version(1))
    cloud.bring(2)
    with pytest.raises(UnsupportedImageError, match="no alias v-1"):
        await service.add(_version(1))
    other = ModelVersion(ModelId.of(PRICE, 2), InputType.DOUBLES, "elsewhere@sha256:0", bundle_digest="0" * 64)
    with pytest.raises(UnsupportedImageError, match="elsewhere"):
        await service.add(other)


async def test_a_version_that_does_not_load_is_not_registered_and_what_answered_before_goes_on() -> None:
    cloud, service = await _three_versions()
    cloud.bring(4)
    cloud.wrong[FUNCTION, "v-4"] = "ImportError: No module named 'absent'"
    with pytest.raises(ModelStartError, match="price:4 does not start on AWS Lambda: ImportError"):
        await service.add(_version(4))
    assert (cloud.current().number, await cloud.registered()) == ("3", "3")
    assert ModelId.of(PRICE, 4) not in (await cloud.registry.snapshot()).versions
    cloud.wrong.clear()
    await service.add(_version(4))
    assert await cloud.registered() == "4"


async def test_a_version_at_a_url_is_refused_since_nobody_would_ask_it() -> None:
    service = await Cloud().service()
    elsewhere = ModelVersion(ModelId.of(PRICE, 1), InputType.DOUBLES, endpoint=Endpoint.parse("http://127.0.0.1:9"))
    with pytest.raises(InvalidSettingError, match="only functions of its own"):
        await service.add(elsewhere)


async def test_a_rollback_moves_the_alias_and_the_registry() -> None:
    cloud, service = await _three_versions()
    moves = cloud.aws.calls.count("point_alias")
    done = await service.roll_back(PRICE)
    assert (done.from_version, done.to_version) == ("3", "2")
    assert (cloud.current().number, await cloud.registered()) == ("2", "2")
    assert cloud.aws.calls.count("point_alias") == moves + 1


async def test_broken_off_between_alias_and_registry_the_same_call_ends_it() -> None:
    cloud, service = await _three_versions()
    commit = cloud.registry.commit

    async def away(*_: object) -> None:
        raise StoreUnavailableError("the table is away")

    cloud.registry.commit = away  # type: ignore[method-assign,assignment]
    with pytest.raises(StoreUnavailableError):
        await service.roll_back(PRICE)
    assert (cloud.current().number, await cloud.registered()) == ("2", "3")
    cloud.registry.commit = commit  # type: ignore[method-assign]
    done = await (await cloud.service()).roll_back(PRICE)
    assert done.to_version == "2"
    assert (cloud.current().number, await cloud.registered()) == ("2", "2")


async def test_two_rollbacks_at_once_go_to_one_version() -> None:
    cloud, service = await _three_versions()
    other = await cloud.service()
    both = await asyncio.gather(service.roll_back(PRICE), other.roll_back(PRICE))
    assert {done.to_version for done in both} <= {"2", "3"}  # 3 if one began when the other had ended
    assert cloud.current().number == await cloud.registered()


@pytest.mark.parametrize("seed", range(25))
async def test_whoever_does_what_at_one_time_alias_and_registry_agree_in_the_end(seed: int) -> None:
    cloud, service = await _three_versions()
    chance = random.Random(seed)
    services = [service, await cloud.service(), await cloud.service()]

    async def act(one: ModelService) -> None:
        for _ in range(3):
            version = Version(chance.choice("123"))
            try:
                if chance.random() < 0.5:
                    await one.set_current(PRICE, version)
                else:
                    await one.set_canary(PRICE, version, chance.choice([0.0, 10.0, 50.0]))
            except InvalidSettingError:  # a canary of itself
                continue

    await asyncio.gather(*(act(one) for one in services))
    snapshot = await cloud.registry.snapshot()
    current = snapshot.currents[PRICE]
    canary = current.canary and WeightedNumber(current.canary.version, current.canary.share)
    assert (cloud.current().number, cloud.current().canary) == (current.version, canary)


async def test_an_alias_that_never_keeps_still_is_given_up() -> None:
    cloud, service = await _three_versions()
    moves = itertools.count()

    def move(call: str) -> None:
        if call == "point_alias":
            raise StaleWriteError(f"moved {next(moves)} times")

    cloud.aws.before = move
    with pytest.raises(StaleWriteError, match="20 times"):
        await service.set_current(PRICE, Version("1"))
    assert next(moves) == 20
    assert await cloud.registered() == "3"


async def test_a_canary_is_a_weight_of_the_alias_and_ends_with_the_next_switch() -> None:
    cloud, service = await _three_versions()
    await service.set_canary(PRICE, Version("1"), 20.0)
    assert cloud.current().canary == WeightedNumber("1", 0.2)
    shared = (await cloud.registry.snapshot()).current(PRICE)
    assert shared is not None
    assert not shared.serving.is_cached
    await service.set_current(PRICE, Version("2"))
    assert (cloud.current().number, cloud.current().canary) == ("2", None)


async def test_deleting_a_version_deletes_alias_and_published_version_and_ends_its_share() -> None:
    cloud, service = await _three_versions()
    await service.set_canary(PRICE, Version("1"), 20.0)
    await service.delete(ModelId.of(PRICE, 1))
    function = cloud.aws.observe(FUNCTION)
    assert function is not None
    assert [one.number for one in function.published] == ["2", "3"]
    assert (cloud.current().number, cloud.current().canary) == ("3", None)
    await service.delete(ModelId.of(PRICE, 3))
    assert cloud.aws.alias(FUNCTION, "current") is None
    assert await cloud.registered() is None
    await service.set_current(PRICE, Version("2"))
    assert cloud.current().number == "2"


class _NothingIsKept(FakeProvisioner):
    """An AWS that says so when what is kept ready is to end, and there is nothing."""

    def provision(self, function: str, number: str, count: int) -> None:
        raise AwsResourceAbsentError("No Provisioned Concurrency Config found for this function")


async def test_deleting_a_version_of_which_nothing_is_kept_ready_deletes_it_all_the_same() -> None:
    cloud = Cloud(aws=_NothingIsKept())
    service = await cloud.service()
    cloud.bring(1)
    await service.add(_version(1))
    await service.delete(ModelId.of(PRICE, 1))
    left = cloud.aws.observe(FUNCTION)
    assert left is not None
    assert (left.published, left.aliases) == ((), {})


async def test_equal_content_under_two_versions_is_deleted_with_the_second() -> None:
    cloud = Cloud()
    service = await cloud.service()
    cloud.bring(1)
    await service.add(_version(1))
    function = cloud.aws.observe(FUNCTION)
    assert function is not None
    cloud.aws.point_alias(FUNCTION, "v-2", "1", None, None)
    second = ModelVersion(ModelId.of(PRICE, 2), InputType.DOUBLES, _image(1), bundle_digest=_digest(1))
    await service.add(second)
    await service.delete(ModelId.of(PRICE, 1))
    assert cloud.current().number == "1"
    await service.delete(ModelId.of(PRICE, 2))
    left = cloud.aws.observe(FUNCTION)
    assert left is not None
    assert (left.published, left.aliases) == ((), {})


async def test_a_version_that_somebody_else_registered_meanwhile_keeps_what_it_runs_on() -> None:
    cloud = Cloud()
    service, other = await cloud.service(), await cloud.service()
    cloud.bring(1)
    results = await asyncio.gather(service.add(_version(1)), other.add(_version(1)), return_exceptions=True)
    assert [type(one) for one in results if one is not None] in ([], [VersionExistsError])
    assert cloud.current().number == "1"
    assert cloud.aws.alias(FUNCTION, "v-1") is not None


async def test_replicas_are_provisioned_and_their_maximum_is_reserved() -> None:
    cloud, service = await _three_versions()
    await service.scale(ModelId.of(PRICE, 3), Scaling(2, 5))
    function, provisioned = cloud.aws.observe(FUNCTION), cloud.aws.provisioned(FUNCTION, "3")
    assert function is not None
    assert provisioned is not None
    assert (function.reserved, provisioned.requested) == (5, 2)
    with pytest.raises(InvalidSettingError, match="cannot be switched off"):
        await service.scale(ModelId.of(PRICE, 3), Scaling(0, 0))
    shown = {pool.model.version: (pool.health, pool.ready_replicas) for pool in cloud.host.pools()}
    assert shown == {"1": (Health.ASLEEP, 0), "2": (Health.ASLEEP, 0), "3": (Health.HEALTHY, 2)}


async def test_a_bundle_is_not_taken_and_the_sentence_says_what_to_do() -> None:
    async def archive():
        yield b""

    with pytest.raises(BundleUploadError, match="clipper-sls deploy --stack"):
        await (await Cloud().service()).upload_bundle(archive())
