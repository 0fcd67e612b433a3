"""What a connection does beyond passing requests on."""

import logging

import pytest

from clipper_sls.errors import (
    ContainerlessModelError,
    InvalidNameError,
    UnknownModelError,
    UnknownVersionError,
    VersionExistsError,
)
from clipper_sls.sdk import ClipperConnection, ClipperException, LocalContainerManager, UnconnectedException

MODELS = [
    {"model_name": "m", "model_version": "1", "is_current_version": False},
    {"model_name": "m", "model_version": "2", "is_current_version": True},
    {"model_name": "n", "model_version": "1", "is_current_version": True},
]

NEED_A_CONNECTION = [
    ("register_application", ("a", "doubles", "0", 1)),
    ("delete_application", ("a",)),
    ("unregister_application", ("a",)),
    ("link_model_to_app", ("a", "m")),
    ("unlink_model_from_app", ("a", "m")),
    ("build_and_deploy_model", ("m", 1, "doubles", ".", "clipper/noop-container:1")),
    ("deploy_model", ("m", 1, "doubles", "clipper/noop-container:1")),
    ("register_model", ("m", 1, "doubles")),
    ("get_current_model_version", ("m",)),
    ("get_num_replicas", ("m",)),
    ("get_num_replicas", ("m", 1)),
    ("set_num_replicas", ("m", 1)),
    ("set_num_replicas", ("m", 1, 1)),
    ("get_all_apps", ()),
    ("get_app_info", ("a",)),
    ("get_linked_models", ("a",)),
    ("get_all_models", ()),
    ("get_model_info", ("m", 1)),
    ("get_all_model_replicas", ()),
    ("get_model_replica_info", ("m", 1, 0)),
    ("get_clipper_logs", ()),
    ("inspect_instance", ()),
    ("set_model_version", ("m", 1)),
    ("get_query_addr", ()),
    ("get_metric_addr", ()),
    ("stop_models", (["m"],)),
    ("stop_versioned_models", ({},)),
    ("stop_inactive_model_versions", (["m"],)),
    ("stop_all_model_containers", ()),
    ("rollback", ("m",)),
    ("set_traffic", ("m", 1, 10)),
    ("get_traffic", ("m",)),
    ("get_replica_status", ()),
    ("submit", ("a", {"input": 1})),
    ("get_job", ("1",)),
    ("wait_for_job", ("1",)),
    ("get_dead_jobs", ()),
    ("redrive_dead_jobs", ()),
    ("purge_dead_jobs", ()),
]


@pytest.mark.parametrize(("method", "arguments"), NEED_A_CONNECTION)
def test_without_a_connection_clippers_exception_is_raised(method, arguments, tmp_path):
    connection = ClipperConnection(LocalContainerManager(state_dir=tmp_path))
    with pytest.raises(UnconnectedException) as caught:
        getattr(connection, method)(*arguments)
    assert caught.value.message == (
        "No connection to Clipper cluster. Call ClipperConnection.connect to connect to an existing cluster or "
        "ClipperConnnection.start_clipper to create a new one"
    )
    assert isinstance(caught.value, ClipperException)


def test_a_refusal_is_clippers_exception_with_clippers_text(server, connection):
    server.answer("/admin/add_model", "model with name 'm' already exists", status=400, code="version_exists")
    with pytest.raises(VersionExistsError) as caught:
        connection.register_model("m", 1, "doubles")
    assert isinstance(caught.value, ClipperException)
    assert caught.value.msg == "Received error status code: 400 and message: model with name 'm' already exists"


def test_a_registered_model_has_no_container_and_no_replicas(server, connection):
    connection.register_model("m", 1, "doubles", labels=["a"])
    sent = server.last.json
    assert (sent["container_name"], sent["num_replicas"]) == ("NO_CONTAINER", 0)
    assert (sent["model_version"], sent["labels"], sent["batch_size"]) == ("1", ["a"], -1)
    assert "url" not in sent


def test_a_registered_model_may_say_where_it_runs(server, connection):
    connection.register_model("m", 1, "doubles", url="http://127.0.0.1:9")
    assert server.last.json["url"] == "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("name", "version"), [("M", 1), ("a_b", 1), ("a.b", 1), ("", 1), ("m", 1.0), ("m", "v_1"), ("m", "-1")]
)
def test_names_are_checked_before_anything_is_built(connection, tmp_path, name, version):
    with pytest.raises(InvalidNameError):
        connection.build_model(name, version, str(tmp_path), "clipper/noop-container:1")
    with pytest.raises(InvalidNameError):
        connection.deploy_model(name, version, "doubles", "clipper/noop-container:1")


def test_the_current_version_is_found_among_all(server, connection):
    server.answer("/admin/get_all_models", MODELS)
    assert connection.get_current_model_version("m") == "2"


def test_a_model_without_versions_has_no_current_one(server, connection):
    server.answer("/admin/get_all_models", MODELS)
    with pytest.raises(UnknownModelError, match=r"^No versions of model x registered with Clipper$"):
        connection.get_current_model_version("x")


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (lambda c: c.get_app_info("a"), "get_application"),
        (lambda c: c.get_model_info("m", 1), "get_model"),
        (lambda c: c.get_model_replica_info("m", 1, 0), "get_container"),
    ],
)
def test_what_is_not_registered_is_none(server, connection, call, path):
    assert call(connection) is None
    server.answer(f"/admin/{path}", {"name": "x"})
    assert call(connection) == {"name": "x"}


def test_replicas_that_run_are_counted(server, connection):
    replicas = [
        {"pid": 1, "state": "ready"},
        {"pid": 2, "state": "starting"},
        {"pid": 3, "state": "stopping"},
        {"pid": None, "state": "starting"},
    ]
    server.answer("/admin/get_replicas", [{"replicas": replicas}])
    assert connection.get_num_replicas("m", 1) == 2


def test_the_replicas_of_the_current_version_are_meant(server, connection):
    server.answer("/admin/get_all_models", MODELS)
    server.answer("/admin/get_replicas", [])
    connection.get_num_replicas("m")
    assert server.last.json == {"model_name": "m", "model_version": "2"}


def test_a_version_that_is_not_registered_has_no_replicas(server, connection):
    server.answer("/admin/get_replicas", "no such version", status=400, code="unknown_version")
    assert connection.get_num_replicas("m", 7) == 0


def test_a_containerless_model_is_not_resized(server, connection):
    server.answer("/admin/get_model", {"container_name": "NO_CONTAINER"})
    with pytest.raises(ContainerlessModelError, match=r"^Cannot resize the replica set for containerless model m:1$"):
        connection.set_num_replicas("m", 5, 1)
    assert "/admin/set_num_replicas" not in server.paths


def test_a_model_that_is_not_registered_is_not_resized(connection):
    with pytest.raises(UnknownVersionError, match=r"^Cannot add container for non-registered model m:1$"):
        connection.set_num_replicas("m", 5, 1)


def test_switching_versions_may_resize(server, connection):
    connection.set_model_version("m", 1)
    assert server.last.path == "/admin/set_model_version"
    server.answer("/admin/get_model", {"container_name": "image"})
    connection.set_model_version("m", 1, num_replicas=2)
    assert server.last.path == "/admin/set_num_replicas"
    assert server.last.json == {"model_name": "m", "model_version": "1", "num_replicas": 2}


@pytest.mark.parametrize(
    ("stop", "versions"),
    [
        (lambda c: c.stop_models(["m"]), [("m", "1"), ("m", "2")]),
        (lambda c: c.stop_inactive_model_versions(["m", "n"]), [("m", "1")]),
        (lambda c: c.stop_versioned_models({"n": [1]}), [("n", "1")]),
        (lambda c: c.stop_all_model_containers(), [("m", "1"), ("m", "2"), ("n", "1")]),
    ],
)
def test_stopping_deletes_the_versions_that_are_meant(server, connection, stop, versions):
    server.answer("/admin/get_all_models", MODELS)
    stop(connection)
    deleted = [request.json for request in server.requests if request.path == "/admin/delete_versioned_model"]
    assert [(request["model_name"], request["model_version"]) for request in deleted] == versions


def test_the_old_name_of_unregister_still_works(server, connection, caplog):
    connection.delete_application("a")
    assert server.last.path == "/admin/delete_app"
    assert "[DEPRECATED]" in caplog.text


def test_log_lines_begin_with_the_cluster(connection, caplog):
    with caplog.at_level(logging.INFO, "clipper_sls.sdk"):
        connection.register_application("a", "doubles", "0", 1)
    assert caplog.messages == ["[default-cluster] Application a was successfully registered"]


def test_metrics_come_from_the_query_frontend(server, connection):
    server.answer("/metrics", {"counters": []})
    assert connection.inspect_instance() == {"counters": []}


def test_a_predict_function_can_be_tested_without_a_cluster(tmp_path):
    manager = LocalContainerManager(clipper_management_port=1, state_dir=tmp_path)
    answer = ClipperConnection(manager).test_predict_function(
        {"input": [1.0]}, lambda xs: [len(x) for x in xs], "doubles"
    )
    assert answer == [1]


def test_logs_are_written_to_one_file_for_each_replica_and_one_for_the_engine(server, connection, tmp_path):
    server.answer(
        "/admin/get_logs", [{"model_name": "m", "model_version": "1", "replica_id": 0, "path": "p", "text": "hi\n"}]
    )
    engine, replica = connection.get_clipper_logs(str(tmp_path / "logs"))
    assert replica == str(tmp_path / "logs" / "default-cluster-m-1-0.log")
    assert (tmp_path / "logs" / "default-cluster-m-1-0.log").read_text() == "hi\n"
    assert "default-cluster" in (tmp_path / "logs" / "default-cluster-engine.log").read_text()
    assert engine.endswith("default-cluster-engine.log")
