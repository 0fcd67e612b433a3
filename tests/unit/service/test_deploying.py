"""Deployments in a simulation of Lambda: they converge from wherever they were broken off, alone and together."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipper_sls.aws_errors import FunctionFailedError
from clipper_sls.domain.deployment.content import BUNDLE_DIGEST_VARIABLE, FunctionContent
from clipper_sls.domain.deployment.planning import DesiredVersion
from clipper_sls.domain.deployment.steps import Step
from clipper_sls.domain.functions.names import StackNames, version_alias
from clipper_sls.domain.identifiers import ModelId, ModelName
from clipper_sls.domain.records import Scaling
from clipper_sls.errors import StaleWriteError
from clipper_sls.service.deploying import Deployer
from clipper_sls.testing.fake_functions import FakeImages, FakeProvisioner, FakeRegister

FUNCTION = StackNames("st").function(ModelName("price"))


def desired(version: str, memory_mib: int = 1024, scaling: Scaling = Scaling(1, 4)) -> DesiredVersion:  # noqa: B008
    digest = f"{version.encode().hex():0>64}"
    content = FunctionContent(
        f"images.test/price@sha256:{digest}", "arn:role", memory_mib, 30, environment={BUNDLE_DIGEST_VARIABLE: digest}
    )
    return DesiredVersion(ModelId.of("price", version), FUNCTION, content, scaling)


class KilledError(Exception):
    """The deployer ends in the middle of a call."""


@dataclass
class World:
    """Lambda and the registry, which outlive the deployers."""

    aws: FakeProvisioner = field(default_factory=FakeProvisioner)
    images: FakeImages = field(default_factory=FakeImages)
    registered: dict[ModelId, str] = field(default_factory=dict)
    told: list[Step] = field(default_factory=list)

    def deployer(self, wanted: DesiredVersion, pause: Callable[[float], object] = lambda seconds: None) -> Deployer:
        register = FakeRegister(wanted.content.bundle_digest or "", self.registered, after=self.aws.after)
        return Deployer(
            provisioner=self.aws,
            register=register,
            images=self.images,
            pause=pause,
            chance=random.Random(1),
            tell=self.told.append,
        )

    def number(self, version: str) -> str:
        alias = self.aws.alias(FUNCTION, version_alias(ModelId.of("price", version).version))
        assert alias is not None
        return alias.number

    def check(self, wanted: DesiredVersion) -> None:
        """`wanted` is registered, and its alias leads to the only published version of its content."""
        function = self.aws.observe(FUNCTION)
        assert function is not None
        match = [one for one in function.published if one.content == wanted.content]
        assert [one.number for one in match] == [function.aliases[wanted.alias].number]
        assert self.registered[wanted.model] == wanted.content.bundle_digest
        provisioned = self.aws.provisioned(FUNCTION, match[0].number)
        assert (provisioned.requested if provisioned else 0) == wanted.scaling.minimum
        assert self.deployer(wanted).plan(wanted) == ()


VERSIONS = st.lists(
    st.tuples(st.sampled_from("123"), st.sampled_from([512, 1024]), st.sampled_from([Scaling(0, 1000), Scaling(2, 4)])),
    min_size=1,
    max_size=4,
    unique_by=lambda one: one[0],
)


@given(versions=VERSIONS, settling=st.integers(0, 3))
@settings(deadline=None)
def test_applying_a_plan_makes_the_next_one_empty_and_does_what_was_printed(
    versions: list[tuple[str, int, Scaling]], settling: int
) -> None:
    world = World(FakeProvisioner(settling=settling))
    for version in versions:
        wanted = desired(*version)
        planned = world.deployer(wanted).plan(wanted)
        world.told.clear()
        assert world.deployer(wanted).deploy(wanted)
        assert [step.kind for step in world.told] == [step.kind for step in planned]
        world.check(wanted)


def test_deploying_again_does_nothing() -> None:
    world, wanted = World(), desired("1")
    world.deployer(wanted).deploy(wanted)
    calls = len(world.aws.calls)
    assert not world.deployer(wanted).deploy(wanted)
    assert len(world.aws.calls) == calls


@given(data=st.data())
@settings(deadline=None, max_examples=200)
def test_broken_off_anywhere_and_repeated_it_converges_and_publishes_once(data: st.DataObject) -> None:
    """KilledError before or after the effect of any call, again and again, in the first version and in the second."""
    world = World()
    for version in "12":
        wanted = desired(version, memory_mib=512 * int(version))
        for _ in range(60):
            fatal, is_after = data.draw(st.integers(0, 8)), data.draw(st.booleans())
            if _survives(world, wanted, fatal, is_after=is_after):
                break
        else:
            world.deployer(wanted).deploy(wanted)
        world.check(wanted)
    function = world.aws.observe(FUNCTION)
    assert function is not None
    assert len(function.published) == 2


def _survives(world: World, wanted: DesiredVersion, fatal: int, *, is_after: bool) -> bool:
    left = fatal

    def die(call: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KilledError

    world.aws.before, world.aws.after = (lambda call: None, die) if is_after else (die, lambda call: None)
    try:
        world.deployer(wanted).deploy(wanted)
    except KilledError:
        return False
    finally:
        world.aws.before = world.aws.after = lambda call: None
    return True


@pytest.mark.parametrize("other_version", ["1", "2"])
@pytest.mark.parametrize("moment", range(5))
def test_another_deployer_in_the_middle_disturbs_neither(moment: int, other_version: str) -> None:
    """The other one runs from start to end between two calls of the first."""
    world, wanted, other = World(), desired("1"), desired(other_version, memory_mib=1024 * int(other_version))
    left = moment

    def come_between(call: str) -> None:
        nonlocal left
        left -= 1
        if left == -1:
            world.deployer(other).deploy(other)

    world.aws.before = come_between
    world.deployer(wanted).deploy(wanted)
    world.aws.before = lambda call: None
    assert left < 0
    world.check(wanted)
    world.check(other)
    assert (world.number("1") == world.number(other_version)) == (other_version == "1")


def test_a_version_that_an_emulator_published_for_somebody_else_is_not_taken_for_ours() -> None:
    """Without RevisionId on PublishVersion the content of another deployer may come out under our description."""
    world, wanted, other = World(), desired("1"), desired("2")
    publish = world.aws.publish

    def unguarded(function: str, revision: str, code_sha256: str, description: str) -> str:
        latest = world.aws.observe(function)
        assert latest is not None
        if latest.latest.content == wanted.content and not world.registered:
            world.aws.update_code(function, other.content, latest.latest.revision)
            world.aws.observe(function)
            world.aws.update_configuration(function, other.content, world.aws.observe(function).latest.revision)  # type: ignore[union-attr]
            world.aws.observe(function)
            world.registered[other.model] = "later"
        return publish(function, world.aws.observe(function).latest.revision, code_sha256, description)  # type: ignore[union-attr]

    world.aws.publish = unguarded  # type: ignore[method-assign]
    world.deployer(wanted).deploy(wanted)
    del world.registered[other.model]
    world.deployer(other).deploy(other)
    world.check(wanted)
    world.check(other)


def test_who_loses_a_race_waits_longer_each_time_and_gives_up_in_the_end() -> None:
    world, wanted, pauses = World(), desired("1"), list[float]()

    def refuse(call: str) -> None:
        raise StaleWriteError("somebody else was faster")

    world.aws.before = refuse
    with pytest.raises(StaleWriteError):
        world.deployer(wanted, pauses.append).deploy(wanted)
    assert len(pauses) == 20
    assert max(pauses) > 2
    assert max(pauses) <= 20


def test_a_function_that_does_not_become_active_says_why_and_is_tried_again_next_time() -> None:
    world, wanted = World(), desired("1")
    world.aws.broken.add(wanted.content.image)
    for _ in range(2):
        with pytest.raises(FunctionFailedError, match="the image is broken"):
            world.deployer(wanted).deploy(wanted)
    world.aws.broken.clear()
    world.deployer(wanted).deploy(wanted)
    world.check(wanted)


def test_two_model_versions_of_equal_content_share_a_published_version() -> None:
    world, first = World(), desired("1")
    second = replace(first, model=ModelId.of("price", "2"))
    for wanted in (first, second):
        world.deployer(wanted).deploy(wanted)
        world.check(wanted)
    assert world.number("1") == world.number("2")
