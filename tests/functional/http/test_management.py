"""Clipper's management requests: fields, answers and message texts, one by one, and those that we added."""

from typing import Any

import httpx2
import pytest

from clipper_sls.http.error_map import CODE_HEADER

APP = {"name": "app", "input_type": "doubles", "default_output": "0", "latency_slo_micros": 1000}
MODEL = {
    "model_name": "m",
    "model_version": "1",
    "labels": ["a"],
    "input_type": "doubles",
    "container_name": "NO_CONTAINER",
    "model_data_path": "/data",
    "batch_size": -1,
}
VERSION = {"model_name": "m", "model_version": "1"}
LINK = {"app_name": "app", "model_names": ["m"]}


async def _post(client: httpx2.AsyncClient, endpoint: str, body: Any) -> httpx2.Response:
    return await client.post(f"/admin/{endpoint}", json=body)


async def _done(client: httpx2.AsyncClient, endpoint: str, body: Any) -> str:
    answer = await _post(client, endpoint, body)
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.fixture
async def linked(management: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """With the application `app`, linked to version 1 of `m`."""
    for endpoint, body in (("add_app", APP), ("add_model", MODEL), ("add_model_links", LINK)):
        await _done(management, endpoint, body)
    return management


async def test_ping_is_answered(management: httpx2.AsyncClient) -> None:
    assert (await management.get("/admin/ping")).text == "PONG"


async def test_texts_of_what_succeeds(management: httpx2.AsyncClient) -> None:
    steps = [
        ("add_app", APP, "Successfully added application with name 'app'"),
        ("add_model", MODEL, "Successfully added model with name 'm' and input type 'doubles'"),
        ("add_model_links", LINK, "Successfully linked model with name 'm' to application 'app'"),
        ("set_model_version", VERSION, "Successfully set model with name 'm' to version '1'"),
        ("get_state", {"app_name": "app", "uid": 0}, "0"),
        ("delete_model_links", LINK, "Success!"),
        ("delete_versioned_model", VERSION, "Successfully deleted model with name 'm' and version '1'"),
        ("delete_app", {"name": "app"}, "Successfully deleted application with name 'app'"),
    ]
    for endpoint, body, text in steps:
        assert await _done(management, endpoint, body) == text


@pytest.mark.parametrize(
    ("endpoint", "body", "text"),
    [
        ("add_app", APP, "application 'app' already exists"),
        ("delete_app", {"name": "x"}, "Application 'x' does not exist"),
        ("add_model_links", {**LINK, "app_name": "x"}, "No app with name 'x' exists."),
        ("add_model_links", {**LINK, "model_names": ["x"]}, "No model with name 'x' exists."),
        (
            "add_model_links",
            {**LINK, "model_names": ["m", "n"]},
            "Applications must be linked with at most one model. Attempted to add links to 2 models.",
        ),
        (
            "add_model_links",
            {**LINK, "model_names": []},
            "Please provide the name of the model that you want to link to the application 'app'",
        ),
        ("add_model_links", LINK, "The model with name 'm' is already linked to 'app'"),
        ("add_model_links", {**LINK, "model_names": ["other"]}, "A model with name m is already linked to 'app'."),
        ("delete_model_links", {**LINK, "app_name": "x"}, "No app with name x exists."),
        (
            "delete_model_links",
            {**LINK, "model_names": ["x"]},
            "Cannot remove nonexistent link between app app and model x",
        ),
        (
            "add_model",
            {**MODEL, "model_version": "2", "batch_size": 0},
            "The batch size must be positive or DEFAULT_BATCH_SIZE, which is -1",
        ),
        ("add_model", MODEL, "model with name 'm' and version '1' already exists"),
        (
            "add_model",
            {**MODEL, "model_version": "2", "input_type": "strings"},
            "Model with name 'm' is already linked to app 'app' using input type 'doubles'. The input type you "
            "provided for a new version of the model, 'strings', is not compatible.",
        ),
        (
            "delete_versioned_model",
            {**VERSION, "model_version": "9"},
            "model with name 'm' and version '9' does not exist",
        ),
        ("set_model_version", {**VERSION, "model_name": "x"}, "Cannot set version for nonexistent model 'x'"),
        (
            "set_model_version",
            {**VERSION, "model_version": "9"},
            "Cannot set non-existent version '9' for model with name 'm'",
        ),
        ("get_linked_models", {"app_name": "x"}, "No application with name 'x' exists."),
        ("get_state", {"app_name": "x", "uid": 0}, "No application with name 'x' exists."),
        ("rollback_model", {"model_name": "m"}, "Model 'm' has no earlier version to roll back to"),
        ("set_num_replicas", {"model_name": "m"}, "Give num_replicas, or min_replicas and max_replicas"),
        (
            "set_num_replicas",
            {"model_name": "m", "num_replicas": 1},
            "Cannot resize the replica set for containerless model m:1",
        ),
    ],
)
async def test_texts_of_what_is_refused(linked: httpx2.AsyncClient, endpoint: str, body: Any, text: str) -> None:
    await _done(linked, "add_model", {**MODEL, "model_name": "other"})
    answer = await _post(linked, endpoint, body)
    assert (answer.status_code, answer.text) == (400, text)
    assert answer.headers[CODE_HEADER]
    assert answer.headers["content-type"].startswith("text/plain")


async def test_a_version_with_other_content_is_a_conflict(linked: httpx2.AsyncClient) -> None:
    other = {**MODEL, "container_name": f"image@sha256:{'a' * 64}"}
    answer = await _post(linked, "add_model", other)
    assert (answer.status_code, answer.headers[CODE_HEADER]) == (409, "version_content_differs")
    assert (await _post(linked, "get_model", VERSION)).json()["container_name"] == "NO_CONTAINER"


async def test_a_version_may_run_elsewhere(management: httpx2.AsyncClient) -> None:
    await _done(management, "add_model", {**MODEL, "url": "http://127.0.0.1:9/"})
    assert (await _post(management, "get_model", VERSION)).json()["url"] == "http://127.0.0.1:9"
    refused = await _post(management, "add_model", {**MODEL, "model_version": "9", "url": "http://me:s3cret@host"})
    assert (refused.status_code, refused.headers[CODE_HEADER]) == (400, "invalid_setting")
    assert "s3cret" not in refused.text


async def test_models_of_another_type_cannot_be_linked(management: httpx2.AsyncClient) -> None:
    await _done(management, "add_app", APP)
    await _done(management, "add_model", {**MODEL, "input_type": "strings"})
    answer = await _post(management, "add_model_links", LINK)
    assert answer.text == (
        "Model with name 'm' has incompatible input_type 'strings'. Requested app to link to has input_type 'doubles'."
    )


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'"name"', b"{}", b'{"name": 5}', b"\xff", b"[" * 100_000]
)
@pytest.mark.parametrize("endpoint", ["add_app", "delete_app", "add_model", "add_model_links", "get_application"])
async def test_a_body_that_does_not_fit_names_the_schema(
    management: httpx2.AsyncClient, endpoint: str, content: bytes
) -> None:
    answer = await management.post(f"/admin/{endpoint}", content=content)
    assert (answer.status_code, answer.headers[CODE_HEADER]) == (400, "malformed_request")
    assert answer.text.startswith("Error parsing JSON: ")
    assert 'Expected JSON schema: {"' in answer.text


async def test_applications_are_shown(linked: httpx2.AsyncClient) -> None:
    shown = {**APP, "linked_models": ["m"]}
    assert (await _post(linked, "get_application", {"name": "app"})).json() == shown
    assert (await _post(linked, "get_application", {"name": "x"})).json() == {}
    assert (await _post(linked, "get_all_applications", {"verbose": False})).json() == ["app"]
    assert (await _post(linked, "get_all_applications", {"verbose": True})).json() == [shown]
    assert (await _post(linked, "get_linked_models", {"app_name": "app"})).json() == ["m"]


async def test_models_are_shown(linked: httpx2.AsyncClient) -> None:
    shown = (await _post(linked, "get_model", VERSION)).json()
    assert shown["is_current_version"] is True
    assert {key: shown[key] for key in MODEL} == MODEL
    assert (await _post(linked, "get_model", {**VERSION, "model_version": "9"})).json() == {}
    assert (await _post(linked, "get_all_models", {"verbose": False})).json() == ["m:1"]
    assert (await _post(linked, "get_all_models", {"verbose": True})).json() == [shown]


OPTIONS = {
    "batching": "quantile",
    "batch_wait_ms": 2.5,
    "cache": True,
    "cache_ttl_s": 60.0,
    "idempotent": False,
    "hedging": True,
}
USUAL = {
    "batching": "aimd",
    "batch_wait_ms": 0.0,
    "cache": True,
    "cache_ttl_s": None,
    "idempotent": True,
    "hedging": None,
}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({}, USUAL),
        (OPTIONS, OPTIONS),
        ({"cache": False}, {**USUAL, "cache": False}),
        (
            {"batching": None, "hedging": None, "cache_ttl_s": None, "batch_wait_ms": 10_000},
            {**USUAL, "batch_wait_ms": 10_000},
        ),
        ({"batch_size": 5, "batch_wait_ms": 2}, {**USUAL, "batching": None, "batch_wait_ms": 2}),
    ],
)
async def test_options_of_serving_are_shown_as_they_were_given(
    management: httpx2.AsyncClient, given: dict[str, Any], shown: dict[str, Any]
) -> None:
    await _done(management, "add_model", {**MODEL, **given})
    one = (await _post(management, "get_model", VERSION)).json()
    assert {name: one[name] for name in USUAL} == shown
    assert (await _post(management, "get_all_models", {"verbose": True})).json() == [one]


@pytest.mark.parametrize(
    ("given", "code", "part"),
    [
        ({"batching": "fast"}, "invalid_setting", "Batching must be one of 'aimd', 'quantile', not 'fast'"),
        ({"batching": "aimd", "batch_size": 5}, "invalid_setting", "batch_size=5 fixes it: give one of them"),
        ({"batch_wait_ms": -1}, "invalid_setting", "between 0 and 10000 ms, not -1"),
        ({"batch_wait_ms": 10_001}, "invalid_setting", "between 0 and 10000 ms, not 10001"),
        ({"cache_ttl_s": 0}, "invalid_setting", "cache_ttl_s must be positive"),
        ({"cache": False, "cache_ttl_s": 1}, "invalid_setting", "cache=False keeps none"),
        ({"batching": 1}, "malformed_request", "`$.batching`"),
        ({"batch_wait_ms": "5"}, "malformed_request", '"batch_wait_ms" := number (optional)'),
        ({"cache": "yes"}, "malformed_request", '"cache" := bool (optional)'),
        ({"cache_ttl_s": True}, "malformed_request", '"cache_ttl_s" := number or null (optional)'),
        ({"idempotent": None}, "malformed_request", "`$.idempotent`"),
        ({"hedging": 0}, "malformed_request", '"hedging" := bool or null (optional)'),
    ],
)
async def test_an_option_of_serving_that_is_none_is_refused(
    management: httpx2.AsyncClient, given: dict[str, Any], code: str, part: str
) -> None:
    answer = await _post(management, "add_model", {**MODEL, **given})
    assert (answer.status_code, answer.headers[CODE_HEADER]) == (400, code)
    assert part in answer.text
    assert (await _post(management, "get_all_models", {"verbose": False})).json() == []


async def test_a_version_with_other_options_is_a_conflict(linked: httpx2.AsyncClient) -> None:
    answer = await _post(linked, "add_model", {**MODEL, "cache": False})
    assert (answer.status_code, answer.headers[CODE_HEADER]) == (409, "version_content_differs")
    assert "it has cache=True" in answer.text


async def test_nothing_is_shown_as_empty_lists(management: httpx2.AsyncClient) -> None:
    for endpoint in ("get_all_applications", "get_all_models", "get_all_containers"):
        assert (await _post(management, endpoint, {"verbose": True})).json() == []


async def test_replicas_are_shown_by_clippers_fields(stage: Any, management: httpx2.AsyncClient) -> None:
    await stage.register(name="m", version="1")
    named = (await _post(management, "get_all_containers", {"verbose": False})).json()
    (shown,) = (await _post(management, "get_all_containers", {"verbose": True})).json()
    replica = shown["model_replica_id"]
    assert named == [f"m:1:{replica}"]
    assert shown == {
        "model_id": "m:1",
        "model_name": "m",
        "model_version": "1",
        "model_replica_id": replica,
        "input_type": "doubles",
    }
    assert (await _post(management, "get_container", {**VERSION, "replica_id": replica})).json() == shown
    assert (await _post(management, "get_container", {**VERSION, "replica_id": 99})).json() == {}


async def test_rolling_back_answers_with_both_versions(linked: httpx2.AsyncClient) -> None:
    await _done(linked, "add_model", {**MODEL, "model_version": "2"})
    answer = (await _post(linked, "rollback_model", {"model_name": "m"})).json()
    assert answer == {"model_name": "m", "from_version": "2", "to_version": "1"}
    history = (await _post(linked, "get_model_history", {"model_name": "m"})).json()
    assert [switch["version"] for switch in history] == ["1", "2", "1"]


async def test_logs_show_their_last_lines(stage: Any, management: httpx2.AsyncClient, tmp_path: Any) -> None:
    model = await stage.register(name="m", version="1")
    log = tmp_path / "7.log"
    log.write_text("one\ntwo\nthree\n")
    stage.host.logs[model] = [log]
    (shown,) = (await _post(management, "get_logs", {"model_name": "m", "tail_lines": 2})).json()
    assert (shown["replica_id"], shown["text"]) == (7, "two\nthree")
    assert (await _post(management, "get_logs", {"tail_lines": 0})).status_code == 400


async def test_status_and_shutdown(stage: Any, management: httpx2.AsyncClient) -> None:
    status = (await management.get("/admin/get_status")).json()
    assert (status["pid"], status["ready"], status["models"]) == (4711, True, 0)
    assert "Draining" in await _done(management, "shutdown", {})
    assert stage.endings == ["asked for"]


async def test_traffic_is_shown_shared_and_given_back(linked: httpx2.AsyncClient) -> None:
    second = {"model_name": "m", "model_version": "2"}
    await _done(linked, "add_model", {**MODEL, **second})
    share = {**VERSION, "percent": 12.5}
    shared = [{"model_version": "2", "percent": 87.5}, {"model_version": "1", "percent": 12.5}]
    assert (await _post(linked, "set_traffic", share)).json() == {"model_name": "m", "traffic": shared}
    assert (await _post(linked, "get_traffic", {"model_name": "m"})).json()["traffic"] == shared
    ended = (await _post(linked, "set_traffic", {**share, "percent": 0})).json()
    assert ended["traffic"] == [{"model_version": "2", "percent": 100.0}]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"model_name": "x", "model_version": "1", "percent": 1}, "unknown_model"),
        ({"model_name": "m", "model_version": "x", "percent": 1}, "unknown_version"),
        ({"model_name": "m", "model_version": "1", "percent": 1}, "invalid_setting"),
        ({"model_name": "m", "model_version": "1", "percent": "1"}, "malformed_request"),
    ],
)
async def test_traffic_that_cannot_be_shared_is_refused(linked: httpx2.AsyncClient, body: Any, code: str) -> None:
    answer = await _post(linked, "set_traffic", body)
    assert (answer.status_code, answer.headers[CODE_HEADER]) == (400, code)
