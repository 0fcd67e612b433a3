import pytest

from clipper_sls.config.settings import Settings
from clipper_sls.domain.deployment.concurrency import ON_DEMAND, Concurrency, concurrency_of
from clipper_sls.domain.deployment.content import BUNDLE_DIGEST_VARIABLE, Architecture
from clipper_sls.domain.records import Scaling
from clipper_sls.errors import InvalidSettingError
from clipper_sls.sdk.function_deployment import FunctionOptions, scaling_of
from clipper_sls.sdk.management_client import ReplicaBounds

IMAGE = f"images.test/price@sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("bounds", "scaling", "concurrency"),
    [
        (ReplicaBounds(1), ON_DEMAND, Concurrency(0, None)),
        (ReplicaBounds(), ON_DEMAND, Concurrency(0, None)),
        (ReplicaBounds(0), ON_DEMAND, Concurrency(0, None)),
        (ReplicaBounds(3), Scaling(3, 1000), Concurrency(3, None)),
        (ReplicaBounds(1, 1, None), Scaling(1, 1000), Concurrency(1, None)),
        (ReplicaBounds(1, None, 7), Scaling(0, 7), Concurrency(0, 7)),
        (ReplicaBounds(1, 2, 7), Scaling(2, 7), Concurrency(2, 7)),
    ],
)
def test_replicas_are_kept_ready_and_limited_only_where_that_was_asked_for(
    bounds: ReplicaBounds, scaling: Scaling, concurrency: Concurrency
) -> None:
    assert scaling_of(bounds) == scaling
    assert concurrency_of(scaling_of(bounds)) == concurrency


def test_what_a_manager_was_not_told_is_as_the_settings_say() -> None:
    settings = Settings.load(
        replica_memory_mib=3000,
        function_timeout_s=20.5,
        function_architecture="arm64",
        function_environment={"LEVEL": "b"},
    )
    content = FunctionOptions().content(settings, image=IMAGE, bundle_digest="d", role="arn:role")
    assert (content.memory_mib, content.timeout_s, content.architecture) == (3000, 21, Architecture.ARM64)
    assert content.environment == {"LEVEL": "b", BUNDLE_DIGEST_VARIABLE: "d"}
    told = FunctionOptions(512, 60, "x86_64", {}, snap_start=True)
    own = told.content(settings, image=IMAGE, bundle_digest="d", role="arn:role")
    assert (own.memory_mib, own.timeout_s, own.architecture, own.snap_start) == (512, 60, Architecture.X86_64, True)
    assert own.environment == {BUNDLE_DIGEST_VARIABLE: "d"}


def test_what_lambda_does_not_take_is_refused_before_anything_is_made() -> None:
    with pytest.raises(InvalidSettingError, match="10240"):
        FunctionOptions(memory_mib=20_000).content(Settings.load(), image=IMAGE, bundle_digest="d", role="r")
