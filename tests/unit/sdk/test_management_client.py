"""Each call sends the JSON that the management API documents."""

import pytest

from clipper_sls.errors import RequestFailedError
from clipper_sls.sdk.http_client import HttpClient
from clipper_sls.sdk.management_client import ManagementClient, NewVersion, ReplicaBounds


@pytest.fixture
def management(server):
    return ManagementClient(HttpClient(server.url))


CALLS = [
    (
        lambda m: m.add_app("a", "doubles", "0", 100_000),
        "add_app",
        {"name": "a", "input_type": "doubles", "default_output": "0", "latency_slo_micros": 100_000},
    ),
    (lambda m: m.delete_app("a"), "delete_app", {"name": "a"}),
    (lambda m: m.add_model_links("a", ["m"]), "add_model_links", {"app_name": "a", "model_names": ["m"]}),
    (lambda m: m.delete_model_links("a", ["m"]), "delete_model_links", {"app_name": "a", "model_names": ["m"]}),
    (lambda m: m.get_all_applications(True), "get_all_applications", {"verbose": True}),
    (lambda m: m.get_application("a"), "get_application", {"name": "a"}),
    (lambda m: m.get_linked_models("a"), "get_linked_models", {"app_name": "a"}),
    (lambda m: m.get_all_models(False), "get_all_models", {"verbose": False}),
    (lambda m: m.get_model("m", "1"), "get_model", {"model_name": "m", "model_version": "1"}),
    (lambda m: m.set_model_version("m", "1"), "set_model_version", {"model_name": "m", "model_version": "1"}),
    (
        lambda m: m.delete_versioned_model("m", "1"),
        "delete_versioned_model",
        {"model_name": "m", "model_version": "1"},
    ),
    (
        lambda m: m.set_num_replicas("m", "1", ReplicaBounds(3)),
        "set_num_replicas",
        {"model_name": "m", "model_version": "1", "num_replicas": 3},
    ),
    (lambda m: m.get_all_containers(True), "get_all_containers", {"verbose": True}),
    (
        lambda m: m.get_container("m", "1", 0),
        "get_container",
        {"model_name": "m", "model_version": "1", "replica_id": 0},
    ),
    (lambda m: m.get_replicas(), "get_replicas", {}),
    (lambda m: m.get_replicas("m"), "get_replicas", {"model_name": "m"}),
    (lambda m: m.get_history("m"), "get_model_history", {"model_name": "m"}),
    (lambda m: m.get_logs(tail_lines=5), "get_logs", {"tail_lines": 5}),
    (lambda m: m.shutdown(), "shutdown", {}),
]


@pytest.mark.parametrize(("call", "endpoint", "body"), CALLS, ids=[endpoint for _, endpoint, _ in CALLS])
def test_a_call_posts_its_fields(server, management, call, endpoint, body):
    call(management)
    assert server.last.method == "POST"
    assert server.last.path == f"/admin/{endpoint}"
    assert server.last.json == body


def test_a_new_version_is_sent_with_clippers_fields(server, management):
    management.add_model(NewVersion("m", "1", "doubles", "image", ["a"], 5, ReplicaBounds(2)))
    assert server.last.json == {
        "model_name": "m",
        "model_version": "1",
        "labels": ["a"],
        "input_type": "doubles",
        "container_name": "image",
        "model_data_path": "DEPRECATED",
        "batch_size": 5,
        "num_replicas": 2,
    }


def test_options_of_serving_are_sent_as_they_are(server, management):
    management.add_model(NewVersion("m", "1", "doubles", serving={"cache": False, "hedging": None}))
    assert {name: server.last.json[name] for name in ("cache", "hedging")} == {"cache": False, "hedging": None}
    assert "batching" not in server.last.json


def test_a_rollback_says_from_which_version_to_which(server, management):
    done = {"model_name": "m", "from_version": "2", "to_version": "1"}
    server.answer("/admin/rollback_model", done)
    assert management.rollback_model("m") == done


def test_traffic_is_asked_for_and_shared(server, management):
    shared = {
        "model_name": "m",
        "traffic": [{"model_version": "2", "percent": 90}, {"model_version": "1", "percent": 10}],
    }
    server.answer("/admin/set_traffic", shared)
    server.answer("/admin/get_traffic", shared)
    assert management.set_traffic("m", "1", 10.0) == management.get_traffic("m") == shared


def test_an_upload_answers_the_digest(server, management):
    server.answer("/admin/upload_bundle", {"bundle_digest": "ab"})
    assert management.upload_bundle([b"tar"]) == "ab"


def test_an_answer_that_is_not_json_is_a_failed_request(server, management):
    server.answer("/admin/get_application", "<html>")
    with pytest.raises(RequestFailedError, match="not JSON"):
        management.get_application("a")


@pytest.mark.parametrize(
    ("bounds", "fields"),
    [
        (ReplicaBounds(), {}),
        (ReplicaBounds(0), {"num_replicas": 0}),
        (ReplicaBounds(1, min_replicas=0, max_replicas=4), {"min_replicas": 0, "max_replicas": 4}),
        (ReplicaBounds(1, max_replicas=4), {"max_replicas": 4}),
        (ReplicaBounds(1, min_replicas=0), {"min_replicas": 0}),
    ],
)
def test_a_range_of_replicas_wins_over_a_number(bounds, fields):
    assert bounds.fields() == fields
