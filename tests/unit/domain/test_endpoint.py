"""Which URLs name a server of a model, and what is made of them."""

import pytest

from clipper_sls.domain.endpoint import Endpoint
from clipper_sls.errors import InvalidSettingError


@pytest.mark.parametrize(
    ("given", "url", "host", "port", "path"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1", 8080, "/readyz"),
        (" HTTP://Models.Example:80/a/ ", "http://models.example/a", "models.example", 80, "/a/readyz"),
        ("https://models.example/a/b", "https://models.example/a/b", "models.example", 443, "/a/b/readyz"),
        ("http://[::1]:9000/", "http://[::1]:9000", "::1", 9000, "/readyz"),
    ],
)
def test_a_url_is_read(given: str, url: str, host: str, port: int, path: str) -> None:
    endpoint = Endpoint.parse(given)
    assert (endpoint.url, endpoint.host, endpoint.port, endpoint.path("/readyz")) == (url, host, port, path)
    assert Endpoint.parse(endpoint.url) == endpoint
    assert endpoint.is_secure == url.startswith("https")


@pytest.mark.parametrize(
    "given",
    [
        "",
        "127.0.0.1:8080",
        "ftp://host/",
        "http://",
        "http://host:port",
        "http://host:99999",
        "http://user:s3cret@host",
        "http://s3cret@host",
        "http://host/?key=s3cret",
        "http://host/#s3cret",
        "http://host/a b",
        "http://host/a\r\nX-Injected: 1",
        "http://host/\u00fc",
        "http://[::1",
    ],
)
def test_what_is_no_url_of_a_server_is_refused_without_repeating_secrets(given: str) -> None:
    with pytest.raises(InvalidSettingError) as refused:
        Endpoint.parse(given)
    assert "s3cret" not in str(refused.value)
