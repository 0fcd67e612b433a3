import json

import pytest

from clipper_sls.domain.query import DefaultReason, OutputJson, Prediction, Unanswered
from clipper_sls.http.encode import encode_batch, encode_single


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        (b"3", 3),
        (b"[1.5,null]", [1.5, None]),
        (b'{"a":1}', {"a": 1}),
        (b'"cat"', "cat"),
        (b'"1.0"', 1.0),
        (b'"{\\"a\\": 1}"', {"a": 1}),
        (b'"nan"', "nan"),
        (b'""', ""),
        ('"é\\n"'.encode(), "é\n"),
    ],
)
def test_an_output_is_nested_when_it_is_json_and_a_string_otherwise(output: bytes, shown: object) -> None:
    body = json.loads(encode_single(Prediction(7, OutputJson(output))))
    assert body == {"query_id": 7, "output": shown, "default": False}


def test_a_default_says_why() -> None:
    late = Prediction(8, OutputJson(b'"-1"'), Unanswered(DefaultReason.TIMED_OUT))
    assert json.loads(encode_single(late)) == {
        "query_id": 8,
        "output": -1,
        "default": True,
        "default_explanation": "Failed to retrieve a prediction response within the specified latency SLO",
        "default_reason": "timed_out",
    }


@pytest.mark.parametrize("reason", list(DefaultReason))
def test_every_reason_has_an_explanation(reason: DefaultReason) -> None:
    body = json.loads(encode_single(Prediction(1, OutputJson(b"0"), Unanswered(reason, "why"))))
    assert body["default_explanation"]
    assert body["default_detail"] == "why"


def test_a_batch_keeps_its_order() -> None:
    body = json.loads(encode_batch([Prediction(i, OutputJson(b"%d" % i)) for i in range(5)]))
    assert [entry["output"] for entry in body["batch_predictions"]] == [0, 1, 2, 3, 4]


def test_an_empty_batch_is_an_empty_list() -> None:
    assert json.loads(encode_batch([])) == {"batch_predictions": []}


def test_a_batch_of_one_is_both_a_batch_and_clippers_bare_prediction() -> None:
    prediction = {"query_id": 1, "output": 5, "default": False}
    assert json.loads(encode_batch([Prediction(1, OutputJson(b"5"))])) == prediction | {
        "batch_predictions": [prediction]
    }
