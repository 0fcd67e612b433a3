"""Requests to an engine, and what its failures become."""

import pytest

from clipper_sls import errors
from clipper_sls.sdk.http_client import HttpClient


@pytest.mark.parametrize("cls", errors.error_classes(), ids=lambda cls: cls.code)
def test_the_error_code_of_an_answer_decides_the_class(server, cls):
    server.answer("/admin/x", "no such thing", status=400, code=cls.code)
    with pytest.raises(errors.ClipperError) as caught:
        HttpClient(server.url).post("/admin/x", {})
    assert type(caught.value) is cls
    assert str(caught.value) == "Received error status code: 400 and message: no such thing"


@pytest.mark.parametrize("code", [None, "code-of-a-later-release"])
def test_an_error_without_a_known_code_is_a_failed_request(server, code):
    server.answer("/admin/x", "broken", status=500, code=code)
    with pytest.raises(errors.RequestFailedError, match=r"status code: 500 and message: broken"):
        HttpClient(server.url).post("/admin/x", {})


def test_nobody_there_is_unconnected(server):
    client = HttpClient("http://127.0.0.1:1")
    with pytest.raises(errors.UnconnectedError, match=r"Nothing answers at http://127.0.0.1:1"):
        client.get("/admin/ping")


def test_the_token_travels_as_bearer(server):
    HttpClient(server.url, "secret").get("/admin/ping")
    assert server.last.headers["Authorization"] == "Bearer secret"


def test_without_a_token_no_authorization_is_sent(server):
    HttpClient(server.url).get("/admin/ping")
    assert "Authorization" not in server.last.headers


def test_a_proxy_in_the_environment_is_not_asked(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert HttpClient(server.url).get("/admin/ping").status_code == 200


def test_an_upload_is_sent_in_chunks(server):
    HttpClient(server.url).upload("/admin/upload_bundle", iter([b"one", b"two"]), "application/x-tar")
    assert server.last.body == b"onetwo"
    assert server.last.headers["Content-Type"] == "application/x-tar"
    assert server.last.headers["Transfer-Encoding"] == "chunked"
