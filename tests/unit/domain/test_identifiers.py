import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.domain.identifiers import AppName, ModelId, ModelName, Version
from clipper_sls.errors import InvalidNameError

BAD = ["", "a,b", "a:b", "a/b", "..", "a.b", "A", "_a", "-a", "a-", " a", "a\n", "é", "٣", "a" * 64, "a" * 1000, "a\0"]


@pytest.mark.parametrize("kind", [AppName, ModelName, Version])
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_name_is_refused_with_a_short_message(kind: type[str], bad: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        kind(bad)
    assert len(caught.value.msg) < 300


@given(st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True))
def test_a_good_name_is_a_string_equal_to_itself(name: str) -> None:
    assert AppName(name) == name
    assert hash(AppName(name)) == hash(name)


def test_a_separator_is_named_as_clipper_names_it() -> None:
    with pytest.raises(InvalidNameError, match="Contains one of: ',', ':'"):
        ModelName("a:b")


def test_a_version_may_be_a_number() -> None:
    assert str(ModelId.of("price", 2)) == "price:2"


def test_a_version_that_prints_with_a_dot_is_refused_as_in_clipper() -> None:
    with pytest.raises(InvalidNameError):
        ModelId.of("price", 1.0)


def test_an_application_may_hold_an_underscore_and_a_model_may_not() -> None:
    assert AppName("my_app") == "my_app"
    with pytest.raises(InvalidNameError):
        ModelName("my_model")


@pytest.mark.parametrize("bad", BAD)
def test_a_name_that_is_only_sought_may_be_anything(bad: str) -> None:
    assert ModelId.sought(bad, bad) != ModelId.of("a", "1")
