"""Which heads are of plain predictions; all others are the web server's to understand."""

import pytest

from clipper_sls.http.request_head import PredictHead, predict_head


def _head(line: str = "POST /app/predict HTTP/1.1", *headers: str) -> bytes:
    return "\r\n".join([line, "Host: h", *(headers or ["Content-Length: 7"]), "", ""]).encode()


@pytest.mark.parametrize(
    ("line", "application"),
    [
        ("POST /app/predict HTTP/1.1", "app"),
        ("POST /app/predict/ HTTP/1.1", "app"),
        ("POST /app/predict?a=b HTTP/1.1", "app"),
        ("POST /my%2Dapp/predict HTTP/1.1", "my-app"),
        ("POST http://h/app/predict HTTP/1.1", "app"),
    ],
)
def test_a_plain_prediction_is_known_by_its_application_and_length(line: str, application: str) -> None:
    assert predict_head(_head(line)) == PredictHead(application, 7)


def test_names_of_headers_are_read_in_any_case_and_others_do_not_matter() -> None:
    assert predict_head(_head("POST /a/predict HTTP/1.1", "X-Id: 1", "CONTENT-LENGTH: 12")) == PredictHead("a", 12)


@pytest.mark.parametrize(
    "line",
    [
        *("GET /app/predict HTTP/1.1", "POST /app/predict HTTP/1.0", "POST /app/update HTTP/1.1", "POST / HTTP/1.1"),
        *("POST /v2/models/m/infer HTTP/1.1", "POST /a%2Fb/predict HTTP/1.1", "nonsense", "POST /app/predict"),
        "POST /\xff/predict HTTP/1.1",
    ],
)
def test_another_line_is_not(line: str) -> None:
    assert predict_head(_head(line)) is None


@pytest.mark.parametrize(
    "headers",
    [
        ["X: 1"],
        ["Content-Length: 7", "Content-Length: 7"],
        ["Content-Length: -1"],
        ["Content-Length: 7, 7"],
        ["Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 7"],
        ["Content-Length: 7", "Expect: 100-continue"],
        ["Content-Length: 7", "Connection: close"],
        ["Content-Length: 7", "Connection: Upgrade", "Upgrade: websocket"],
        ["Content-Length: 7", "Prefer: respond-async"],
        ["Content-Length : 7"],
        ["Content-Length: 7", " folded: line"],
    ],
)
def test_neither_is_one_whose_body_or_connection_is_special(headers: list[str]) -> None:
    assert predict_head(_head("POST /app/predict HTTP/1.1", *headers)) is None


def test_half_a_head_is_none() -> None:
    assert predict_head(b"POST /app/predict HTTP/1.1\r\nContent-Length: 7\r\n") is None
