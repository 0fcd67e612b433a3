"""A prediction asked for over HTTP."""

import pytest

from clipper_sls.errors import MalformedRequestError, NotServedError
from clipper_sls.sdk.http_client import HttpClient
from clipper_sls.sdk.query_client import QueryClient


@pytest.fixture
def queries(server):
    return QueryClient(HttpClient(server.url))


def test_the_body_goes_to_the_applications_url_and_the_answer_comes_back(server, queries):
    answer = {"query_id": 1, "output": 3.0, "default": False}
    server.answer("/shop/predict", answer)
    assert queries.predict("shop", {"input": [1.0, 2.0], "version": "2"}) == answer
    assert (server.last.method, server.last.path) == ("POST", "/shop/predict")
    assert server.last.json == {"input": [1.0, 2.0], "version": "2"}


@pytest.mark.parametrize(
    ("name", "path"), [("a/b", "/a%2Fb/predict"), ("a b?x=1#y", "/a%20b%3Fx%3D1%23y/predict"), ("é", "/%C3%A9/predict")]
)
def test_a_name_cannot_lead_to_another_url(server, queries, name, path):
    queries.predict(name, {"input": []})
    assert server.paths == [path]


@pytest.mark.parametrize(
    ("status", "code", "cls"), [(404, "not_served", NotServedError), (400, "malformed_request", MalformedRequestError)]
)
def test_a_refusal_is_the_error_that_the_engine_raised(server, queries, status, code, cls):
    server.answer("/shop/predict", {"error": "x", "cause": "why it was refused", "code": code}, status, code)
    with pytest.raises(cls, match="why it was refused"):
        queries.predict("shop", {})
