from dataclasses import replace

import pytest

from clipper_sls.domain.deployment.content import Architecture, FunctionContent
from clipper_sls.domain.image.platforms import Platform
from clipper_sls.errors import InvalidSettingError

GOOD = FunctionContent(f"here/models@sha256:{'a' * 64}", "arn:role", 1024, 30, environment={"LEVEL": "info"})


def test_what_lambda_takes_is_taken() -> None:
    assert GOOD.checked() is GOOD


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (replace(GOOD, image="here/models:1"), "by digest"),
        (replace(GOOD, memory_mib=127), "127"),
        (replace(GOOD, memory_mib=10_241), "10240"),
        (replace(GOOD, timeout_s=0), "900 s"),
        (replace(GOOD, timeout_s=901), "900 s"),
        (replace(GOOD, environment={"AWS_REGION": "x"}), "AWS_REGION"),
        (replace(GOOD, environment={"1st": "x"}), "1st"),
        (replace(GOOD, environment={"LONG": "x" * 4093}), "4096 bytes"),
    ],
)
def test_what_lambda_refuses_is_refused_before_it_is_asked(wrong: FunctionContent, says: str) -> None:
    with pytest.raises(InvalidSettingError, match=says):
        wrong.checked()


def test_an_architecture_is_named_as_lambda_names_it() -> None:
    assert Architecture.parse("arm64").platform is Platform.ARM64
    with pytest.raises(InvalidSettingError, match="x86_64, arm64"):
        Architecture.parse("amd64")
