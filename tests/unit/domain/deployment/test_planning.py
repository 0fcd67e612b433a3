import json
from dataclasses import replace

import pytest

from clipper_sls.domain.deployment.content import BUNDLE_DIGEST_VARIABLE, Architecture, FunctionContent
from clipper_sls.domain.deployment.observed import (
    Alias,
    Latest,
    ObservedFunction,
    Provisioned,
    Published,
    Readiness,
    WeightedNumber,
)
from clipper_sls.domain.deployment.planning import DesiredVersion, Situation, plan
from clipper_sls.domain.deployment.steps import PointAlias, Step, UpdateConfiguration
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.records import Scaling
from clipper_sls.errors import InvalidSettingError, VersionContentError

DIGEST = "d" * 64
CONTENT = FunctionContent(
    f"here/models@sha256:{'a' * 64}", "arn:role", 1024, 30, environment={BUNDLE_DIGEST_VARIABLE: DIGEST}
)
WANTED = DesiredVersion(ModelId.of("price", "2"), "stack-model-price", CONTENT, Scaling(0, 1000))
NOTHING = Situation(function=None, provisioned=None, registered_digest=None, image_is_published=False)
THERE = ObservedFunction(
    WANTED.function,
    Latest(CONTENT, "r1", "", Readiness.READY),
    (Published("7", CONTENT, Readiness.READY),),
    {"v-2": Alias("v-2", "7", "r2")},
)


def _kinds(steps: tuple[Step, ...]) -> list[str]:
    return [step.kind for step in steps]


def _at(function: ObservedFunction, digest: str | None = None, provisioned: Provisioned | None = None) -> Situation:
    return Situation(function, provisioned, digest, image_is_published=True)


def test_the_first_version_of_a_model_takes_every_step() -> None:
    assert _kinds(plan(replace(WANTED, scaling=Scaling(2, 5)), NOTHING)) == [
        "publish_image",
        "create_function",
        "wait_until_ready",
        "publish_version",
        "wait_for_version",
        "point_alias",
        "provision_concurrency",
        "wait_for_provisioned",
        "reserve_concurrency",
        "register",
    ]


def test_another_version_updates_only_what_differs() -> None:
    before = replace(CONTENT, image=f"here/models@sha256:{'b' * 64}")
    function = replace(THERE, latest=replace(THERE.latest, content=before), published=(), aliases={})
    assert _kinds(plan(WANTED, _at(function)))[:3] == ["update_code", "wait_until_ready", "publish_version"]
    larger = replace(before, memory_mib=2048, environment={})
    steps = plan(WANTED, _at(replace(function, latest=replace(THERE.latest, content=larger))))
    assert [step.changed for step in steps if isinstance(step, UpdateConfiguration)] == [("memory_mib", "environment")]


def test_what_was_published_before_a_crash_is_found_by_its_content() -> None:
    other = replace(CONTENT, image=f"here/models@sha256:{'b' * 64}")
    function = replace(
        THERE,
        latest=replace(THERE.latest, content=other),
        published=(Published("3", CONTENT, Readiness.READY), Published("4", other, Readiness.READY)),
        aliases={},
    )
    assert plan(WANTED, _at(function))[0] == PointAlias(WANTED.function, "v-2", "3")


def test_a_change_that_goes_on_is_waited_for() -> None:
    function = replace(THERE, latest=replace(THERE.latest, readiness=Readiness.PENDING), published=(), aliases={})
    assert _kinds(plan(WANTED, _at(function)))[:2] == ["wait_until_ready", "publish_version"]


def test_code_that_failed_is_brought_again() -> None:
    function = replace(THERE, latest=replace(THERE.latest, readiness=Readiness.FAILED), published=(), aliases={})
    assert _kinds(plan(WANTED, _at(function)))[:2] == ["update_code", "wait_until_ready"]


def test_an_alias_that_nobody_registered_is_moved() -> None:
    for wrong in (Alias("v-2", "6", "r"), Alias("v-2", "7", "r", WeightedNumber("6", 0.5))):
        steps = plan(WANTED, _at(replace(THERE, aliases={"v-2": wrong})))
        assert _kinds(steps) == ["point_alias", "register"]


def test_what_is_registered_needs_nothing() -> None:
    assert plan(WANTED, _at(THERE, DIGEST)) == ()


def test_an_image_that_was_built_again_from_the_same_bundle_makes_no_other_version() -> None:
    rebuilt = replace(WANTED, content=CONTENT.with_image(f"here/models@sha256:{'c' * 64}"))
    assert plan(rebuilt, _at(THERE, DIGEST)) == ()


@pytest.mark.parametrize(
    ("wanted", "digest", "says"),
    [
        (WANTED, "e" * 64, "with other content"),
        (replace(WANTED, content=replace(CONTENT, memory_mib=512)), DIGEST, "with another memory_mib"),
        (replace(WANTED, content=replace(CONTENT, architecture=Architecture.ARM64)), DIGEST, "another architecture"),
    ],
)
def test_a_registered_version_never_changes(wanted: DesiredVersion, digest: str, says: str) -> None:
    with pytest.raises(VersionContentError, match=says):
        plan(wanted, _at(THERE, digest))


def test_a_registered_version_that_lost_its_alias_is_not_mended_in_silence() -> None:
    with pytest.raises(VersionContentError, match="Undeploy it"):
        plan(WANTED, _at(replace(THERE, aliases={}), DIGEST))


def test_what_is_provisioned_always_fits_into_what_is_reserved() -> None:
    raised = plan(replace(WANTED, scaling=Scaling(8, 10)), _at(replace(THERE, reserved=5), None, _ready(3)))
    assert _kinds(raised)[:2] == ["reserve_concurrency", "provision_concurrency"]
    lowered = plan(replace(WANTED, scaling=Scaling(1, 2)), _at(replace(THERE, reserved=5), None, _ready(3)))
    assert [kind for kind in _kinds(lowered) if kind.endswith("concurrency")] == [
        "provision_concurrency",
        "reserve_concurrency",
    ]


def test_nothing_kept_ready_and_no_limit_is_the_usual_case() -> None:
    steps = plan(WANTED, _at(replace(THERE, reserved=5), None, _ready(3)))
    assert [step.text for step in steps[:-1]] == [
        "remove the limit of stack-model-price's concurrency",
        "keep nothing ready for version 7 of stack-model-price",
    ]


def test_a_snapshot_and_replicas_that_are_kept_ready_contradict_each_other() -> None:
    with pytest.raises(InvalidSettingError, match="SnapStart"):
        replace(WANTED, content=replace(CONTENT, snap_start=True), scaling=Scaling(1, 2))


def test_a_version_cannot_be_switched_off_alone() -> None:
    with pytest.raises(InvalidSettingError, match="min_replicas=0"):
        plan(replace(WANTED, scaling=Scaling(0, 0)), NOTHING)


def test_every_step_prints_as_one_line_and_as_json_without_values_of_the_environment() -> None:
    secret = replace(CONTENT, environment={"TOKEN": "hush", BUNDLE_DIGEST_VARIABLE: DIGEST}, snap_start=True)
    updated = ObservedFunction(WANTED.function, Latest(replace(CONTENT, image="x"), "r", "", Readiness.PENDING))
    steps = [*plan(replace(WANTED, content=secret, scaling=Scaling(0, 2)), NOTHING)]
    ready = replace(WANTED, content=replace(secret, snap_start=False), scaling=Scaling(1, 2))
    steps += plan(ready, _at(updated))
    assert len({step.kind for step in steps}) == 12
    for step in steps:
        shown = json.dumps(step.to_json())
        assert "\n" not in step.text
        assert step.kind in shown
        assert "hush" not in shown + step.text


def _ready(count: int) -> Provisioned:
    return Provisioned(count, Readiness.READY, count)
