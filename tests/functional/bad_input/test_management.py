"""Management requests that are wrong: a clear error, and what is registered stays as it is and goes on serving."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from clipper_sls import ClipperConnection, LocalContainerManager, UnconnectedException
from clipper_sls.deployers.python import deploy_python_closure
from clipper_sls.errors import ClipperError, VersionContentError, VersionExistsError
from clipper_sls.testing.engine import EngineUnderTest

Check = Callable[[], None]

BAD_NAMES = {
    "comma": "a,b",
    "colon": "a:b",
    "slash": "a/b",
    "dots": "..",
    "dot": "a.b",
    "upper case": "Model",
    "empty": "",
    "long": "x" * 1000,
    "unicode": "größe",
    "emoji": "😀",
    "blank": "a b",
    "line": "a\nb",
    "null": "a\x00b",
    "dash first": "-a",
    "quote": "a'b",
    "percent": "a%2fb",
}

APP = {"name": "new", "input_type": "doubles", "default_output": "0", "latency_slo_micros": 1000}
MODEL = {
    "model_name": "new",
    "model_version": "1",
    "labels": [],
    "input_type": "doubles",
    "container_name": "NO_CONTAINER",
    "model_data_path": "-",
    "batch_size": 1,
}


MALFORMED = {
    "nothing": b"",
    "half": b'{"name": "a"',
    "list": b"[]",
    "null": b"null",
    "number": b"5",
    "no utf-8": b'{"name": "\xff", "app_name": "\xff", "model_name": "\xff", "verbose": "\xff"}',
    "lone surrogate": rb'{"name": "\ud800", "app_name": "\ud800", "model_name": "\ud800", "verbose": "\ud800"}',
    "deep": b"[" * 100_000,
    "wrong types": b'{"name": [], "app_name": 5, "model_name": {}, "verbose": "yes", "uid": 1}',
}


@pytest.fixture
def refused(admin: httpx2.Client, all_is_well: Check) -> Callable[..., httpx2.Response]:
    """Sends what is wrong, and checks that nothing has changed."""

    def state() -> Any:
        return [
            admin.post(f"/admin/{endpoint}", json={"verbose": True}).json()
            for endpoint in ("get_all_applications", "get_all_models", "get_all_containers")
        ]

    def send(endpoint: str, body: Any) -> httpx2.Response:
        before = state()
        answer = admin.post(f"/admin/{endpoint}", content=body if isinstance(body, bytes) else json.dumps(body))
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.headers["X-Clipper-Error-Code"]
        assert 0 < len(answer.text) < 3000
        assert state() == before
        all_is_well()
        return answer

    return send


TAKE_ANY_OBJECT = {"shutdown", "get_dead_jobs", "redrive_dead_jobs", "purge_dead_jobs"}
Refused = Callable[..., httpx2.Response]


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES)
@pytest.mark.parametrize(
    ("endpoint", "body", "key"),
    [
        ("add_app", APP, "name"),
        ("add_model", MODEL, "model_name"),
        ("add_model", MODEL, "model_version"),
        ("delete_app", {}, "name"),
        ("add_model_links", {"model_names": ["doubles"]}, "app_name"),
        ("set_model_version", {"model_name": "doubles"}, "model_version"),
        ("delete_versioned_model", {"model_name": "doubles"}, "model_version"),
        ("rollback_model", {}, "model_name"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_name_that_cannot_be_one_is_refused(
    refused: Refused, endpoint: str, body: dict[str, Any], key: str, name: str
) -> None:
    refused(endpoint, {**body, key: name})


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
def test_no_endpoint_takes_a_body_that_is_malformed(admin: httpx2.Client, refused: Refused, content: bytes) -> None:
    paths = admin.get("/openapi.json").json()["paths"]
    endpoints = [path.removeprefix("/admin/") for path, ways in paths.items() if "requestBody" in ways.get("post", {})]
    assert len(endpoints) > 15
    for endpoint in set(endpoints) - TAKE_ANY_OBJECT - {"upload_bundle"}:
        assert "Expected JSON schema" in refused(endpoint, content).text
    assert refused("upload_bundle", content).headers["X-Clipper-Error-Code"] == "invalid_bundle"


@pytest.mark.parametrize("body", [APP, MODEL], ids=["add_app", "add_model"])
def test_a_field_that_is_missing_is_named(refused: Refused, body: dict[str, Any]) -> None:
    endpoint = "add_app" if body is APP else "add_model"
    for missing in body:
        assert f"`{missing}`" in refused(endpoint, {key: body[key] for key in body if key != missing}).text


def test_a_body_over_a_mebibyte_is_refused(refused: Refused) -> None:
    assert refused("add_app", {**APP, "name": "x" * 2**20}).status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/admin/nothing", 404),
        ("POST", "/admin/add_app/doubles", 404),
        ("POST", "/admin/..%2fadd_app", 404),
        ("GET", "/admin/add_app", 405),
        ("DELETE", "/admin/delete_app", 405),
    ],
)
def test_another_path_or_method_has_a_code_too(
    admin: httpx2.Client, all_is_well: Check, method: str, path: str, status: int
) -> None:
    answer = admin.request(method, path)
    assert (answer.status_code, answer.headers["X-Clipper-Error-Code"]) == (status, f"http_{status}")
    all_is_well()


@pytest.mark.parametrize("label", ["a,b", "a:b"])
def test_a_label_that_cannot_be_one_is_refused(refused: Refused, label: str) -> None:
    assert "Contains one of" in refused("add_model", {**MODEL, "labels": ["fine", label]}).text


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("add_app", {**APP, "latency_slo_micros": 0}),
        ("add_app", {**APP, "latency_slo_micros": -1}),
        ("add_app", {**APP, "latency_slo_micros": 10**30}),
        ("add_app", {**APP, "latency_slo_micros": True}),
        ("add_app", {**APP, "latency_slo_micros": "1000"}),
        ("add_app", {**APP, "latency_slo_micros": 1.5}),
        ("add_app", {**APP, "input_type": "nonsense"}),
        ("add_app", {**APP, "input_type": 5}),
        ("add_app", {**APP, "default_output": 5}),
        ("add_model", {**MODEL, "batch_size": 0}),
        ("add_model", {**MODEL, "batch_size": -2}),
        ("add_model", {**MODEL, "batch_size": 10**30}),
        ("add_model", {**MODEL, "labels": "a"}),
        ("add_model", {**MODEL, "num_replicas": 1}),
        ("add_model", {**MODEL, "num_replicas": -1}),
        ("add_model", {**MODEL, "container_name": f"x@sha256:{'0' * 64}"}),
        ("add_model", {**MODEL, "container_name": "no-bundle", "num_replicas": 1}),
        ("set_num_replicas", {"model_name": "doubles", "num_replicas": -1}),
        ("set_num_replicas", {"model_name": "doubles", "num_replicas": 10**6}),
        ("set_num_replicas", {"model_name": "doubles", "num_replicas": 100}),
        ("set_num_replicas", {"model_name": "doubles", "min_replicas": 2, "max_replicas": 1}),
        ("set_num_replicas", {"model_name": "doubles", "num_replicas": 1, "max_replicas": 1}),
        ("get_logs", {"tail_lines": 0}),
        ("get_logs", {"tail_lines": 10**9}),
    ],
)
def test_a_number_or_type_out_of_range_is_refused(refused: Refused, endpoint: str, body: dict[str, Any]) -> None:
    refused(endpoint, body)


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("add_app", {**APP, "name": "doubles"}),
        ("add_model", {**MODEL, "model_name": "doubles"}),
        ("delete_app", {"name": "nobody"}),
        ("delete_versioned_model", {"model_name": "nobody", "model_version": "1"}),
        ("set_model_version", {"model_name": "nobody", "model_version": "1"}),
        ("set_num_replicas", {"model_name": "nobody", "num_replicas": 1}),
        ("get_replicas", {"model_name": "nobody"}),
        ("get_replicas", {"model_name": "doubles", "model_version": "9"}),
        ("get_model_history", {"model_name": "nobody"}),
        ("get_linked_models", {"app_name": "nobody"}),
        ("get_state", {"app_name": "nobody", "uid": 1}),
        ("rollback_model", {"model_name": "doubles"}),
        ("delete_versioned_model", {"model_name": "doubles", "model_version": "9"}),
        ("set_model_version", {"model_name": "doubles", "model_version": "9"}),
        ("set_num_replicas", {"model_name": "doubles", "model_version": "9", "num_replicas": 1}),
        ("add_model_links", {"app_name": "doubles", "model_names": []}),
        ("add_model_links", {"app_name": "doubles", "model_names": ["doubles", "floats"]}),
        ("add_model_links", {"app_name": "doubles", "model_names": ["nobody"]}),
        ("add_model_links", {"app_name": "nobody", "model_names": ["doubles"]}),
        ("delete_model_links", {"app_name": "nobody", "model_names": ["doubles"]}),
        ("add_model_links", {"app_name": "strings", "model_names": ["doubles"]}),
        ("delete_model_links", {"app_name": "doubles", "model_names": ["strings"]}),
    ],
)
def test_duplicates_strangers_and_misfits_are_refused(refused: Refused, endpoint: str, body: dict[str, Any]) -> None:
    refused(endpoint, body)


def test_a_version_with_other_content_is_refused_and_the_old_one_keeps_serving(
    engine: EngineUnderTest, client: httpx2.Client, all_is_well: Check
) -> None:
    connection = ClipperConnection(LocalContainerManager(state_dir=engine.state_dir))
    with pytest.raises(UnconnectedException):
        connection.get_all_models()
    connection.connect()

    def one(inputs: Any) -> list[int]:
        return [1 for _ in inputs]

    def two(inputs: Any) -> list[int]:
        return [2 for _ in inputs]

    deploy_python_closure(connection, "same", 1, "doubles", one)
    with pytest.raises(VersionContentError, match=r"409.*deploy this as another one"):
        deploy_python_closure(connection, "same", 1, "doubles", two)
    with pytest.raises(VersionExistsError, match=r"400.*already exists"):
        deploy_python_closure(connection, "same", 1, "doubles", one)
    connection.register_application("same", "doubles", "-1", 20_000_000)
    connection.link_model_to_app("same", "same")
    assert client.post("/same/predict", json={"input": [0.0]}).json()["output"] == 1
    all_is_well()


@pytest.mark.parametrize("name", ["a,b", "a/b", "Model", "", "x" * 1000, "größe"])
def test_the_sdk_refuses_names_before_it_sends_anything(engine: EngineUnderTest, name: str) -> None:
    connection = ClipperConnection(LocalContainerManager(state_dir=engine.state_dir))
    connection.connect()
    with pytest.raises(ClipperError):
        deploy_python_closure(connection, name, 1, "doubles", lambda inputs: inputs)
    with pytest.raises(ClipperError):
        deploy_python_closure(connection, "fine", name, "doubles", lambda inputs: inputs)
