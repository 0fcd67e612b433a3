"""Jobs as clients see them, with one process that answers queries and with two: the same."""

import re
import time
from typing import Any

import pytest

from clipper_sls.deployers.python import create_endpoint, deploy_python_closure
from clipper_sls.job_errors import UnknownJobError
from clipper_sls.testing.job_client import ASYNC

SLO_MICROS = 20_000_000


def total(inputs: Any) -> list[float]:
    """Fails for what begins with a negative number."""
    return [float(sum(values)) if values[0] >= 0 else 1 / 0 for values in inputs]


def slow(inputs: Any) -> list[float]:
    time.sleep(2.0)  # noqa: TID251 - a slow model
    return [float(sum(values)) for values in inputs]


@pytest.fixture(scope="module", params=[1, 2], ids=["alone", "frontends"])
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, open_engine: Any) -> Any:
    client = open_engine(tmp_path_factory.mktemp("jobs") / "state", "--frontends", str(request.param))
    connection = client.connection
    create_endpoint(connection, "app", "doubles", total, default_output="none", slo_micros=SLO_MICROS)
    connection.register_application("queued", "doubles", "-1", SLO_MICROS, mode="queue")
    connection.link_model_to_app("queued", "app")
    connection.register_application("impatient", "doubles", "-1", 300_000, mode="queue")
    deploy_python_closure(connection, "slow", 1, "doubles", slow)
    connection.link_model_to_app("impatient", "slow")
    connection.register_application("unlinked", "doubles", "-1", SLO_MICROS)
    return client


def test_a_query_that_prefers_so_is_accepted_and_answered_later(client: Any) -> None:
    accepted = client.post("app", {"input": [1, 2]}, **ASYNC)
    assert accepted.status_code == 202
    assert accepted.headers["preference-applied"] == "respond-async"
    url = accepted.headers["location"]
    assert re.fullmatch(r"/jobs/[0-9a-f]{32}", url)
    body = accepted.json()
    assert (f"/jobs/{body['job_id']}", body["status"], body["application"]) == (url, "queued", "app")
    assert body["expires_at"] - body["submitted_at"] == pytest.approx(3_600.0)
    done = client.done(url)
    direct = client.post("app", {"input": [1, 2]}).json()
    assert direct.keys() <= done.keys()
    assert (done["status"], done["output"], done["default"]) == ("done", direct["output"], False)
    assert done["finished_at"] >= done["submitted_at"]


def test_a_done_job_is_told_the_same_again_and_again(client: Any) -> None:
    url = client.submit("app", {"input": [3]})
    assert client.done(url) == client.job(url) == client.job(url, wait_s=5)


def test_a_batch_is_answered_as_a_batch(client: Any) -> None:
    rows = [[1.0], [-1.0], [2.0]]
    done = client.done(client.submit("app", {"input_batch": rows}))
    direct = client.post("app", {"input_batch": rows}).json()
    wanted = [(one["output"], one["default"]) for one in direct["batch_predictions"]]
    assert [(one["output"], one["default"]) for one in done["batch_predictions"]] == wanted
    assert done["batch_predictions"][1]["default_reason"] == "model_failed"
    assert client.done(client.submit("app", {"input_batch": []}))["batch_predictions"] == []
    lone = client.done(client.submit("app", {"input_batch": [[5.0]]}))
    assert lone["output"] == lone["batch_predictions"][0]["output"] == 5.0


def test_a_large_batch_is_answered_row_by_row(client: Any) -> None:
    rows = [[float(number)] for number in range(5_000)]
    done = client.done(client.submit("app", {"input_batch": rows}))
    assert [one["output"] for one in done["batch_predictions"]] == [float(number) for number in range(5_000)]


def test_who_prefers_to_wait_a_little_gets_the_answer_itself(client: Any) -> None:
    answer = client.post("app", {"input": [4]}, Prefer="respond-async, wait=15")
    assert (answer.status_code, answer.json()["output"]) == (200, 4.0)
    assert answer.headers["preference-applied"] == "respond-async"


def test_a_job_waits_longer_than_the_objective_of_its_application(client: Any) -> None:
    url = client.submit("impatient", {"input": [1, 1]})
    queued = client.http.get(url)
    assert queued.json()["status"] == "queued"
    assert int(queued.headers["retry-after"]) >= 1
    assert client.done(url)["output"] == 2.0


def test_without_a_linked_model_a_job_has_the_default_output(client: Any) -> None:
    done = client.done(client.submit("unlinked", {"input": [1]}))
    assert (done["output"], done["default_reason"]) == (-1, "no_model_linked")


@pytest.mark.parametrize(
    ("app", "body", "status", "code"),
    [
        ("nobody", {"input": [1]}, 404, "not_served"),
        ("app", {"input": "text"}, 400, "invalid_input"),
        ("app", {}, 400, "malformed_request"),
        ("app", {"input": [1], "version": "9"}, 400, "requested_version_unknown"),
    ],
)
def test_what_a_prediction_is_refused_for_a_job_is_refused_for(
    client: Any, app: str, body: Any, status: int, code: str
) -> None:
    answer = client.post(app, body, **ASYNC)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("name", ["0" * 32, "x", "%2e%2e", "é"])
def test_a_job_that_nobody_submitted_is_not_found(client: Any, name: str) -> None:
    answer = client.http.get(f"/jobs/{name}")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_job")


@pytest.mark.parametrize("wait", ["soon", "-1", "nan", "inf", ""])
def test_a_wait_that_is_no_number_is_refused(client: Any, wait: str) -> None:
    url = client.submit("app", {"input": [1]})
    answer = client.http.get(url, params={"wait": wait})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_setting")


def test_a_plain_query_may_go_through_the_queue(client: Any) -> None:
    for _ in range(3):
        answer = client.post("queued", {"input": [2, 3]})
        assert (answer.status_code, answer.json()["output"], answer.json()["default"]) == (200, 5.0, False)
    batch = client.post("queued", {"input_batch": [[1], [2]]}).json()
    assert [one["output"] for one in batch["batch_predictions"]] == [1.0, 2.0]
    assert client.done(client.submit("queued", {"input": [7]}))["output"] == 7.0


def test_a_plain_query_through_the_queue_gets_the_default_output_at_its_objective(client: Any) -> None:
    began = time.monotonic()  # noqa: TID251
    answer = client.post("impatient", {"input": [1]}).json()
    assert (answer["output"], answer["default_reason"]) == (-1, "timed_out")
    assert 0.3 <= time.monotonic() - began < 5.0  # noqa: TID251


def test_the_sdk_submits_and_waits(client: Any) -> None:
    job_id = client.connection.submit("app", {"input": [8]})
    assert client.connection.wait_for_job(job_id, timeout_s=60)["output"] == 8.0
    assert client.connection.get_job(job_id)["status"] == "done"
    with pytest.raises(UnknownJobError):
        client.connection.get_job("f" * 32)


def test_the_mode_of_an_application_is_shown_where_it_is_not_the_usual_one(client: Any) -> None:
    queued, direct = (client.connection.get_app_info(name) for name in ("queued", "app"))
    assert queued is not None
    assert direct is not None
    assert (queued["mode"], "mode" in direct) == ("queue", False)
