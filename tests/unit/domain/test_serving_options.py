"""Options as users write them become `Serving`, or a sentence that says what is wrong with them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.domain.serving import MAX_BATCH_WAIT_S, MAX_CACHE_TTL_S, Batching, Serving
from clipper_sls.domain.serving_options import (
    DEFAULTS,
    DESCRIPTIONS,
    ServingOptions,
    check_names,
    options_of,
    serving_from,
)
from clipper_sls.errors import InvalidSettingError

servings = st.builds(
    Serving,
    batching=st.sampled_from(Batching),
    batch_wait_s=st.integers(0, round(MAX_BATCH_WAIT_S * 1000)).map(lambda wait_ms: wait_ms / 1000),
    is_cached=st.just(True),
    cache_ttl_s=st.none() | st.floats(0.001, MAX_CACHE_TTL_S),
    is_idempotent=st.booleans(),
    hedging=st.none() | st.booleans(),
)


def test_without_options_a_version_is_served_as_by_default() -> None:
    assert serving_from({}, -1) == serving_from(DEFAULTS, -1) == serving_from({}, 5) == Serving()


@given(servings)
def test_options_that_are_shown_can_be_given_again(serving: Serving) -> None:
    assert serving_from(options_of(serving, -1), -1) == serving


def test_what_is_shown_of_a_fixed_batch_size_can_be_given_again() -> None:
    serving = Serving(batch_wait_s=0.002, is_cached=False)
    shown = options_of(serving, 5)
    assert shown == {**DEFAULTS, "batch_wait_ms": 2.0, "cache": False}
    assert serving_from(shown, 5) == serving


def test_every_option_has_a_default_and_a_description() -> None:
    assert ServingOptions.__annotations__.keys() == DEFAULTS.keys() == DESCRIPTIONS.keys()


@pytest.mark.parametrize("name", ["aimd", "quantile"])
def test_adapting_and_fixing_the_batch_size_contradict_each_other(name: str) -> None:
    with pytest.raises(InvalidSettingError, match=f"batching='{name}' adapts .* batch_size=5 fixes it"):
        serving_from({"batching": name}, 5)


def test_an_age_for_what_is_not_kept_is_refused() -> None:
    with pytest.raises(InvalidSettingError, match="cache=False keeps none"):
        serving_from({"cache": False, "cache_ttl_s": 60}, -1)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"batching": "fast"}, "one of 'aimd', 'quantile', not 'fast'"),
        ({"batching": 5}, "batching must be a name, not 5"),
        ({"batch_wait_ms": "5"}, "batch_wait_ms must be a number, not '5'"),
        ({"batch_wait_ms": None}, "batch_wait_ms must be a number, not None"),
        ({"batch_wait_ms": True}, "batch_wait_ms must be a number, not True"),
        ({"batch_wait_ms": -1}, "between 0 and 10000 ms, not -1"),
        ({"batch_wait_ms": float("nan")}, "between 0 and 10000 ms, not nan"),
        ({"cache": 1}, "cache must be True or False, not 1"),
        ({"cache_ttl_s": 0}, "cache_ttl_s must be positive"),
        ({"cache_ttl_s": "1h"}, "cache_ttl_s must be a number or None, not '1h'"),
        ({"idempotent": None}, "idempotent must be True or False, not None"),
        ({"hedging": "no"}, "hedging must be True, False or None, not 'no'"),
    ],
)
def test_an_option_of_no_use_is_refused_with_its_name(options: Any, sentence: str) -> None:
    with pytest.raises(InvalidSettingError, match=sentence):
        serving_from(options, -1)


def test_a_name_that_is_no_option_is_refused_with_the_nearest() -> None:
    with pytest.raises(TypeError, match=r"'batch_wait'\. Did you mean 'batch_wait_ms'\?"):
        check_names({"batch_wait": 5})
    with pytest.raises(TypeError, match=r"'x'\. There are batching, .*, hedging"):
        check_names({"x": 5})
