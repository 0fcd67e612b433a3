import pytest

from clipper_sls.config.handler_settings import HandlerSettings, SecondCache, Switch
from clipper_sls.errors import InvalidSettingError

STACK = {"CLIPPER_SLS_STACK_NAME": "shop"}


def test_all_but_the_stack_has_a_default() -> None:
    assert HandlerSettings.load(STACK) == HandlerSettings(stack_name="shop")


def test_values_are_read_as_what_they_are() -> None:
    given = {"CLIPPER_SLS_CACHE": "dynamodb", "CLIPPER_SLS_CACHE_MIB": "0", "CLIPPER_SLS_TRACING": "on"}
    settings = HandlerSettings.load({**STACK, **given})
    assert (settings.cache, settings.cache_mib, settings.tracing) == (SecondCache.DYNAMODB, 0, Switch.ON)


def test_variables_of_others_are_none_of_ours() -> None:
    assert HandlerSettings.load({**STACK, "AWS_REGION": "eu-west-1", "PATH": "/bin"}).stack_name == "shop"


def test_a_misspelt_name_is_an_error() -> None:
    with pytest.raises(InvalidSettingError, match=r"CLIPPER_SLS_CACHE_MB; known are .*CLIPPER_SLS_CACHE_MIB"):
        HandlerSettings.load({**STACK, "CLIPPER_SLS_CACHE_MB": "1"})


def test_the_stack_must_be_named() -> None:
    with pytest.raises(InvalidSettingError, match="STACK_NAME is not set"):
        HandlerSettings.load({})


def test_a_stack_that_cannot_be_is_named_as_the_setting() -> None:
    with pytest.raises(InvalidSettingError, match="CLIPPER_SLS_STACK_NAME: Invalid stack name"):
        _ = HandlerSettings.load({"CLIPPER_SLS_STACK_NAME": "No Stack"}).names


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("CACHE", "redis", "none, dynamodb, elasticache"),
        ("TRACING", "yes", "on, off"),
        ("OBJECTIVE_MS", "3s", "a number from 0 on"),
        ("OBJECTIVE_MS", "-1", "a number from 0 on"),
    ],
)
def test_a_wrong_value_is_told_with_what_would_be_right(name: str, text: str, wanted: str) -> None:
    with pytest.raises(InvalidSettingError, match=wanted):
        HandlerSettings.load({**STACK, f"CLIPPER_SLS_{name}": text})
