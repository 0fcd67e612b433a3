import pytest

from clipper_sls.cli.running_aws import assignments, check_packages
from clipper_sls.errors import InvalidSettingError


def test_a_missing_package_is_told_with_what_to_install() -> None:
    with pytest.raises(InvalidSettingError, match=r"pip install 'clipper-sls\[aws-local\]'"):
        check_packages(("json", "no_such_package"))


def test_parameters_are_names_and_values() -> None:
    assert assignments(["Cache=dynamodb", "JwtIssuer=https://a/?b=c", "AlarmTopic="]) == {
        "Cache": "dynamodb",
        "JwtIssuer": "https://a/?b=c",
        "AlarmTopic": "",
    }


@pytest.mark.parametrize("text", ["Cache", "=dynamodb", ""])
def test_what_is_no_parameter_is_refused(text: str) -> None:
    with pytest.raises(InvalidSettingError, match="KEY=VALUE"):
        assignments([text])
