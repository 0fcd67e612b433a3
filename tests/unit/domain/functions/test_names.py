import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.domain.functions.names import StackNames, image_tag, version_alias
from clipper_sls.domain.identifiers import ModelId, ModelName, Version
from clipper_sls.errors import InvalidNameError

NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
DIGEST = f"sha256:{'a' * 64}"
STACKS = st.from_regex(r"[a-z]([-a-z0-9]{0,30}[a-z0-9])?", fullmatch=True)


@given(stack=STACKS, model=NAMES)
def test_a_function_name_is_one_that_aws_takes_and_the_policies_name(stack: str, model: str) -> None:
    name = StackNames(stack).function(ModelName(model))
    assert re.fullmatch(r"[a-zA-Z0-9-_]{1,64}", name)
    assert name.startswith(f"{stack}-model-")


@given(stack=STACKS, models=st.lists(NAMES, min_size=2, max_size=2, unique=True))
def test_two_models_have_two_functions(stack: str, models: list[str]) -> None:
    first, second = (StackNames(stack).function(ModelName(model)) for model in models)
    assert first != second


def test_long_models_that_begin_alike_have_two_functions() -> None:
    names = StackNames("s" * 32)
    assert names.function(ModelName("m" * 62 + "1")) != names.function(ModelName("m" * 62 + "2"))


@given(version=NAMES)
def test_an_alias_is_one_that_aws_takes(version: str) -> None:
    assert re.fullmatch(r"(?!^[0-9]+$)([a-zA-Z0-9-_]+)", version_alias(Version(version)))


@given(model=NAMES, version=NAMES)
def test_a_tag_is_one_that_registries_take(model: str, version: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", image_tag(ModelId.of(model, version), DIGEST))


def test_another_image_of_a_version_has_another_tag() -> None:
    long = ModelId.of("m" * 63, "v" * 63)
    assert image_tag(ModelId.of("price", 2), DIGEST) == "price-2-aaaaaaaaaaaa"
    assert image_tag(long, DIGEST) != image_tag(long, f"sha256:{'b' * 64}")


@pytest.mark.parametrize("stack", ["", "1st", "Upper", "under_score", "-dash", "dash-", "s" * 33])
def test_a_stack_whose_resources_could_not_be_named_is_refused(stack: str) -> None:
    with pytest.raises(InvalidNameError, match="Invalid stack name"):
        StackNames(stack)
