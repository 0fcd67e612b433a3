"""What every provisioner must do. A subclass has the fixtures `provisioner`, and `function`, a name nobody has."""

from dataclasses import replace

import pytest

from clipper_sls.aws_errors import AwsResourceAbsentError
from clipper_sls.domain.deployment.content import BUNDLE_DIGEST_VARIABLE, Architecture, FunctionContent
from clipper_sls.domain.deployment.observed import Latest, ObservedFunction, Readiness, WeightedNumber
from clipper_sls.errors import StaleWriteError
from clipper_sls.ports.provisioner import Provisioner

LOOKS = 3_000
CONTENT = FunctionContent(
    image=f"123456789012.dkr.ecr.us-east-1.amazonaws.com/st/models@sha256:{'a' * 64}",
    role="arn:aws:iam::000000000000:role/st-model",
    memory_mib=1024,
    timeout_s=30,
    environment={BUNDLE_DIGEST_VARIABLE: "d" * 64},
)
OTHER = replace(CONTENT, image=CONTENT.image.replace("a" * 64, "b" * 64), architecture=Architecture.ARM64)


def looked(provisioner: Provisioner, function: str) -> ObservedFunction:
    found = provisioner.observe(function)
    assert found is not None
    return found


def settled(provisioner: Provisioner, function: str) -> Latest:
    """What is published next, once the last change is done; each look takes a moment."""
    for _ in range(LOOKS):
        latest = looked(provisioner, function).latest
        if latest.readiness is not Readiness.PENDING:
            return latest
    raise AssertionError(f"{function} is still pending")


def published(provisioner: Provisioner, function: str, content: FunctionContent) -> str:
    """Number of a version of `content`, which is made, changed and published as it needs."""
    if provisioner.observe(function) is None:
        provisioner.create(function, content)
    else:
        provisioner.update_code(function, content, settled(provisioner, function).revision)
        provisioner.update_configuration(function, content, settled(provisioner, function).revision)
    latest = settled(provisioner, function)
    return provisioner.publish(function, latest.revision, latest.code_sha256, "a version")


class ProvisionerContract:
    def test_there_is_no_function_until_it_is_made(self, provisioner: Provisioner, function: str) -> None:
        assert provisioner.observe(function) is None
        assert function not in provisioner.functions(function)
        provisioner.create(function, CONTENT)
        assert settled(provisioner, function).content == CONTENT
        assert provisioner.functions(function) == [function]

    def test_it_is_made_once(self, provisioner: Provisioner, function: str) -> None:
        provisioner.create(function, CONTENT)
        with pytest.raises(StaleWriteError):
            provisioner.create(function, OTHER)
        assert settled(provisioner, function).content == CONTENT

    def test_what_is_published_never_changes(self, provisioner: Provisioner, function: str) -> None:
        first = published(provisioner, function, CONTENT)
        second = published(provisioner, function, replace(OTHER, memory_mib=512, timeout_s=60))
        assert first != second
        found = looked(provisioner, function)
        assert [one.number for one in found.published] == [first, second]
        assert [one.content for one in found.published] == [CONTENT, found.latest.content]
        match = found.matching(CONTENT)
        assert match is not None
        assert (match.number, match.readiness) == (first, Readiness.READY)

    def test_snap_start_and_the_environment_come_back_as_they_were(
        self, provisioner: Provisioner, function: str
    ) -> None:
        content = replace(CONTENT, snap_start=True, environment={"LEVEL": "info", "EMPTY": ""})
        provisioner.create(function, content)
        assert settled(provisioner, function).content == content
        bare = replace(content, snap_start=False, environment={})
        provisioner.update_configuration(function, bare, settled(provisioner, function).revision)
        assert settled(provisioner, function).content == bare

    def test_publishing_what_has_not_changed_publishes_nothing(self, provisioner: Provisioner, function: str) -> None:
        number = published(provisioner, function, CONTENT)
        latest = settled(provisioner, function)
        assert provisioner.publish(function, latest.revision, latest.code_sha256, "again") == number
        assert len(looked(provisioner, function).published) == 1

    def test_who_has_not_seen_the_last_change_changes_nothing(self, provisioner: Provisioner, function: str) -> None:
        provisioner.create(function, CONTENT)
        seen = settled(provisioner, function)
        provisioner.update_code(function, OTHER, seen.revision)
        assert settled(provisioner, function).revision != seen.revision
        with pytest.raises(StaleWriteError):
            provisioner.update_code(function, CONTENT, seen.revision)
        with pytest.raises(StaleWriteError):
            provisioner.update_configuration(function, replace(CONTENT, memory_mib=256), seen.revision)
        expected = replace(CONTENT, image=OTHER.image, architecture=OTHER.architecture)
        assert settled(provisioner, function).content == expected

    def test_an_alias_leads_to_a_version_and_for_some_to_a_second(
        self, provisioner: Provisioner, function: str
    ) -> None:
        first, second = published(provisioner, function, CONTENT), published(provisioner, function, OTHER)
        assert provisioner.alias(function, "current") is None
        provisioner.point_alias(function, "current", first, None, None)
        alias = provisioner.alias(function, "current")
        assert alias is not None
        assert (alias.number, alias.canary) == (first, None)
        provisioner.point_alias(function, "current", first, WeightedNumber(second, 0.25), alias.revision)
        weighted = provisioner.alias(function, "current")
        assert weighted == looked(provisioner, function).aliases["current"]
        assert weighted.canary == WeightedNumber(second, 0.25)
        provisioner.point_alias(function, "current", second, None, weighted.revision)
        moved = provisioner.alias(function, "current")
        assert moved is not None
        assert (moved.number, moved.canary) == (second, None)

    def test_of_two_who_move_an_alias_the_slower_one_is_told(self, provisioner: Provisioner, function: str) -> None:
        first, second = published(provisioner, function, CONTENT), published(provisioner, function, OTHER)
        provisioner.point_alias(function, "current", first, None, None)
        with pytest.raises(StaleWriteError):
            provisioner.point_alias(function, "current", second, None, None)
        seen = provisioner.alias(function, "current")
        assert seen is not None
        provisioner.point_alias(function, "current", second, None, seen.revision)
        with pytest.raises(StaleWriteError):
            provisioner.point_alias(function, "current", first, None, seen.revision)
        alias = provisioner.alias(function, "current")
        assert alias is not None
        assert alias.number == second

    def test_a_version_goes_only_when_no_alias_leads_to_it(self, provisioner: Provisioner, function: str) -> None:
        number = published(provisioner, function, CONTENT)
        provisioner.point_alias(function, "v-1", number, None, None)
        with pytest.raises(StaleWriteError):
            provisioner.delete_published(function, number)
        provisioner.delete_alias(function, "v-1")
        provisioner.delete_published(function, number)
        assert (looked(provisioner, function).published, looked(provisioner, function).aliases) == ((), {})

    def test_what_is_gone_may_be_deleted_again(self, provisioner: Provisioner, function: str) -> None:
        number = published(provisioner, function, CONTENT)
        for _ in range(2):
            provisioner.delete_alias(function, "v-1")
            provisioner.delete_published(function, number)
        for _ in range(2):
            provisioner.delete(function)
        assert provisioner.observe(function) is None

    def test_concurrency_is_reserved_for_all_and_provisioned_for_one(
        self, provisioner: Provisioner, function: str
    ) -> None:
        number = published(provisioner, function, CONTENT)
        assert looked(provisioner, function).reserved is None
        assert provisioner.provisioned(function, number) is None
        provisioner.reserve(function, 7)
        provisioner.provision(function, number, 3)
        ready = provisioner.provisioned(function, number)
        assert ready is not None
        assert (ready.requested, looked(provisioner, function).reserved) == (3, 7)
        provisioner.provision(function, number, 0)
        provisioner.reserve(function, None)
        assert provisioner.provisioned(function, number) is None
        assert looked(provisioner, function).reserved is None

    def test_a_change_of_what_is_not_there_says_so(self, provisioner: Provisioner, function: str) -> None:
        with pytest.raises(AwsResourceAbsentError, match=function):
            provisioner.reserve(function, 1)
        with pytest.raises(AwsResourceAbsentError, match=function):
            provisioner.point_alias(function, "current", "1", None, None)
