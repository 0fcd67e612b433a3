"""A prediction asked for over HTTP."""

import pytest

from clipper_sls.errors import MalformedRequestError, NotServedError, PredictionTimeoutError
from clipper_sls.job_errors import JobExpiredError, JobFailedError
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


def test_a_job_is_asked_for_with_the_preference(server, queries):
    server.answer("/shop/predict", {"job_id": "1", "status": "queued"}, status=202)
    assert queries.submit("shop", {"input": [1.0]}) == {"job_id": "1", "status": "queued"}
    assert server.last.headers["Prefer"] == "respond-async"


def test_a_job_is_waited_for_by_the_server(server, queries):
    server.answer("/jobs/1?wait=20", {"job_id": "1", "status": "done", "output": 3.0})
    assert queries.job_done("1", timeout_s=50)["output"] == 3.0
    assert server.last.path == "/jobs/1?wait=20"


def test_a_job_that_is_not_done_in_time_is_a_timeout(server, queries):
    for wait in ("20", "5"):
        server.answer(f"/jobs/1?wait={wait}", {"job_id": "1", "status": "queued"})
    with pytest.raises(PredictionTimeoutError, match="not done after 25 s"):
        queries.job_done("1", timeout_s=25)
    assert server.paths == ["/jobs/1?wait=20", "/jobs/1?wait=5"]


@pytest.mark.parametrize(("status", "cls"), [("expired", JobExpiredError), ("failed", JobFailedError)])
def test_a_job_that_never_will_be_done_is_an_error(server, queries, status, cls):
    server.answer("/jobs/1?wait=20", {"job_id": "1", "status": status, "error": "x", "cause": "why", "code": "c"})
    with pytest.raises(cls, match="why"):
        queries.job_done("1", timeout_s=50)


def test_an_id_cannot_lead_to_another_url(server, queries):
    queries.job("../a?b")
    assert server.paths == ["/jobs/..%2Fa%3Fb"]
