import json
import random
from collections import Counter

import pytest

from clipper_sls.domain.functions.hosted import (
    Alias,
    FunctionOutcome,
    FunctionReference,
    ImageCode,
    failed,
    timed_out,
    too_large,
)

ARN = "arn:aws:lambda:eu-west-1:000000000000:function:digits"


@pytest.mark.parametrize(
    ("text", "beside", "name", "qualifier"),
    [
        ("digits", None, "digits", None),
        ("digits", "current", "digits", "current"),
        ("digits:7", None, "digits", "7"),
        (ARN, None, "digits", None),
        (ARN, "7", "digits", "7"),
        (f"{ARN}:v-1", None, "digits", "v-1"),
    ],
)
def test_a_function_is_named_as_lambda_lets_it_be(text: str, beside: str | None, name: str, qualifier: str) -> None:
    assert FunctionReference.parsed(text, beside) == (name, qualifier)


def test_an_alias_without_weights_leads_to_its_version() -> None:
    assert {Alias("1").drawn(chance) for chance in (0.0, 0.5, 0.999)} == {"1"}


def test_weights_are_shares_of_all_calls() -> None:
    alias, chance = Alias("1", {"2": 0.25, "3": 0.5}), random.Random(5)
    drawn = Counter(alias.drawn(chance.random()) for _ in range(10_000))
    assert drawn["2"] == pytest.approx(2_500, abs=250)
    assert drawn["3"] == pytest.approx(5_000, abs=250)
    assert drawn["1"] == pytest.approx(2_500, abs=250)


def test_the_bounds_of_chance_are_those_of_the_weights() -> None:
    alias = Alias("1", {"2": 0.25})
    assert [alias.drawn(chance) for chance in (0.0, 0.249, 0.25)] == ["2", "2", "1"]


@pytest.mark.parametrize(("uri", "digest"), [("r/models@sha256:" + "a" * 64, "a" * 64), ("r/models:1", None)])
def test_only_an_image_by_digest_has_one(uri: str, digest: str | None) -> None:
    assert ImageCode(uri).digest == digest


def test_errors_have_lambdas_form() -> None:
    outcome = failed("KeyError", 'no "price"')
    assert outcome == FunctionOutcome(outcome.payload, is_error=True)
    assert json.loads(outcome.payload) == {"errorType": "KeyError", "errorMessage": 'no "price"'}


def test_a_timeout_is_told_as_lambda_tells_it() -> None:
    error = json.loads(timed_out("id-1", 3.0).payload)
    assert error == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: id-1 Error: Task timed out after 3.00 seconds",
    }


def test_an_answer_that_is_too_large_is_told_as_lambda_tells_it() -> None:
    assert "6291556 bytes" in json.loads(too_large().payload)["errorMessage"]
