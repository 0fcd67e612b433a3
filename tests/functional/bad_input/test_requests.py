"""Queries that no client should send: each gets a clear error, and costs nobody else an answer."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from clipper_sls.testing.engine import EngineUnderTest

Check = Callable[[], None]
MIB = 1024 * 1024


def _error(answer: httpx2.Response, status: int) -> dict[str, str]:
    """The error object of an answer; Clipper's two keys, and our code in the body and beside it."""
    assert answer.status_code == status, answer.text
    error: dict[str, str] = answer.json()
    assert error.keys() == {"error", "cause", "code"}
    assert all(error.values())
    assert answer.headers["X-Clipper-Error-Code"] == error["code"]
    return error


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b'{"input": [1.0]', "JSON"),
        (b"{'input': [1.0]}", "JSON"),
        (b'{"input": [1.0,]}', "JSON"),
        (b'{"input": [1.0]} trailing', "JSON"),
        (b'{"input": [NaN]}', "JSON"),
        (b'{"input": [Infinity]}', "JSON"),
        (b'{"input": [-Infinity]}', "JSON"),
        (b'{"input": [1e999]}', "$.input"),
        (b'{"input": [01]}', "JSON"),
        (b'\xff\xfe{"input": [1.0]}', "JSON"),
        (b'{"input": "\xff"}', "JSON"),
        (b'{"input": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "JSON"),
        (b"[" * 100_000, "JSON"),
        (b"[]", "object"),
        (b"[[1.0]]", "object"),
        (b"null", "object"),
        (b"5", "object"),
        (b'"input"', "object"),
        (b"{}", "input or input_batch"),
        (b'{"inputs": [1.0]}', "input or input_batch"),
        (b'{"input": null}', "$.input"),
        (b'{"input": 1.0}', "$.input"),
        (b'{"input": "1.0"}', "$.input"),
        (b'{"input": {"0": 1.0}}', "$.input"),
        (b'{"input": [true]}', "$.input[0]"),
        (b'{"input": [1.0, "2.0"]}', "$.input[1]"),
        (b'{"input": [[1.0]]}', "$.input[0]"),
        (b'{"input_batch": [1.0]}', "$.input_batch[0]"),
        (b'{"input_batch": {}}', "$.input_batch"),
        (b'{"input_batch": [[1.0], [1.0, null], [2.0]]}', "$.input_batch[1]"),
        (b'{"input_batch": [[1.0], [1e400]]}', "$.input_batch[1]"),
        (b'{"input": [1.0], "version": {}}', "version"),
        (b'{"input": [1.0], "version": [1]}', "version"),
        (b'{"input": [1.0], "version": true}', "version"),
        (b'{"input": [1.0], "version": 1.5}', "version"),
        (b'{"input": [1.0], "version": ' + b"9" * 5000 + b"}", "version"),
        (b'{"input": [' + b"9" * 5000 + b"]}", "$.input[0]"),
        (b'{"input": [1.0], "version": "\\ud800"}', "JSON"),
    ],
)
def test_a_body_that_is_wrong_is_refused_and_the_place_is_named(
    client: httpx2.Client, all_is_well: Check, content: bytes, said: str
) -> None:
    error = _error(client.post("/doubles/predict", content=content), 400)
    assert said in error["cause"]
    assert "Expected JSON schema" in error["cause"]
    assert len(error["cause"]) < 2000
    all_is_well()


@pytest.mark.parametrize(
    ("app", "value"),
    [
        ("integers", [1.5]),
        ("integers", [2**63]),
        ("integers", ["1"]),
        ("floats", ["1.0"]),
        ("strings", 5),
        ("strings", ["text"]),
        ("strings", None),
        ("bytes", "no base64!"),
        ("bytes", [1, 2]),
        ("bytes", "YQ=a"),
        ("json", [[[1]]] * 3 + [json.loads("[" * 100 + "]" * 100)]),
    ],
)
def test_an_input_of_another_type_spoils_its_request_and_no_other(
    client: httpx2.Client, all_is_well: Check, app: str, value: Any
) -> None:
    _error(client.post(f"/{app}/predict", json={"input": value}), 400)
    good = {"strings": "a", "bytes": "YQ=="}.get(app, [1])
    error = _error(client.post(f"/{app}/predict", json={"input_batch": [good, value, good]}), 400)
    assert "$.input_batch[1]" in error["cause"]
    all_is_well()


def test_an_unknown_application_is_not_found(client: httpx2.Client, all_is_well: Check) -> None:
    for name in ("nobody", "Doubles", "doubles%00", "..%2fdoubles", "d" * 1000, "größe", "a:b", "a,b", "%ff"):
        assert _error(client.post(f"/{name}/predict", json={"input": [1.0]}), 404)["code"]
    all_is_well()


@pytest.mark.parametrize("version", ["9", 9, "", "a/b", "x" * 10_000, "ü"])
def test_an_unknown_version_is_refused_with_clippers_text(
    client: httpx2.Client, all_is_well: Check, version: Any
) -> None:
    error = _error(client.post("/doubles/predict", json={"input": [1.0], "version": version}), 400)
    assert error["error"] == "Query processing error"
    assert error["cause"].startswith("Requested version: ")
    assert error["cause"].endswith("does not exist for model: doubles")
    all_is_well()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method_is_not_allowed(client: httpx2.Client, all_is_well: Check, method: str) -> None:
    answer = client.request(method, "/doubles/predict")
    assert _error(answer, 405)["code"] == "http_405"
    assert answer.headers["allow"] == "POST"
    all_is_well()


@pytest.mark.parametrize(
    "path", ["/", "/doubles", "/predict", "//predict", "/doubles/predict/x", "/doubles/%70redict/x"]
)
def test_a_path_that_leads_nowhere_is_not_found(client: httpx2.Client, all_is_well: Check, path: str) -> None:
    assert _error(client.post(path, json={"input": [1.0]}), 404)["code"] == "http_404"
    all_is_well()


def test_input_wins_over_input_batch_and_both_must_be_right(client: httpx2.Client, all_is_well: Check) -> None:
    both = {"input": [1.0], "input_batch": [[2.0]]}
    assert client.post("/doubles/predict", json=both).json()["output"] == 1.0
    error = _error(client.post("/doubles/predict", json={**both, "input_batch": [["x"]]}), 400)
    assert "$.input_batch[0]" in error["cause"]
    all_is_well()


def test_an_empty_batch_gets_an_empty_answer(client: httpx2.Client) -> None:
    assert client.post("/doubles/predict", json={"input_batch": []}).json() == {"batch_predictions": []}


def _chunks(count: int) -> Iterator[bytes]:
    yield b'{"input": ['
    for _ in range(count):
        yield b"1.0," * (MIB // 4)
    yield b"1.0]}"


@pytest.mark.parametrize("how", ["length", "chunked"])
def test_a_body_of_50_mb_is_refused_and_its_sender_hears_why(
    client: httpx2.Client, all_is_well: Check, how: str
) -> None:
    content = b"".join(_chunks(50)) if how == "length" else _chunks(50)
    error = _error(client.post("/doubles/predict", content=content), 413)
    assert "16777216" in error["cause"] or "16 MiB" in error["cause"]
    all_is_well()


def test_a_batch_of_100_000_rows_is_refused(client: httpx2.Client, all_is_well: Check) -> None:
    error = _error(client.post("/doubles/predict", json={"input_batch": [[1.0]] * 100_000}), 413)
    assert "100000 rows" in error["cause"]
    assert "10000" in error["cause"]
    all_is_well()


def test_the_largest_batch_that_is_taken_is_answered_in_order(client: httpx2.Client) -> None:
    rows = [[float(number)] for number in range(10_000)]
    answers = client.post("/doubles/predict", json={"input_batch": rows}).json()["batch_predictions"]
    assert [answer["output"] for answer in answers] == [float(number) for number in range(10_000)]


def test_bad_requests_among_good_ones_take_nothing_from_them(engine: EngineUnderTest) -> None:
    bad = [b"{", b'{"input": ["x"]}', b'{"input_batch": [[1.0], [null]]}', b'{"input": [1.0], "version": "9"}']

    def ask(number: int) -> None:
        with httpx2.Client(base_url=engine.query, timeout=60, trust_env=False, verify=False) as client:
            for turn in range(10):
                assert client.post("/doubles/predict", content=bad[turn % len(bad)]).status_code == 400
                value = float(number * 100 + turn)
                answer = client.post("/doubles/predict", json={"input": [value, 1000.0]}).json()
                assert answer["output"] == value + 1000.0

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(16)))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"input": [1.0]},
        {"label": 1.0},
        {"input": ["x"], "label": 1.0},
        {"input": [1.0], "label": "x"},
        {"input": [1.0], "label": 1.0, "uid": "x"},
        {"input": [1.0], "label": 1.0, "uid": 2**63},
    ],
    ids=json.dumps,
)
def test_feedback_that_is_wrong_is_refused_and_not_acknowledged(
    client: httpx2.Client, all_is_well: Check, body: dict[str, Any]
) -> None:
    answer = client.post("/doubles/update", json=body)
    assert answer.status_code == 400
    assert answer.text.startswith("Error parsing JSON: ")
    all_is_well()
