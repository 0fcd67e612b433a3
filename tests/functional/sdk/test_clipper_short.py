"""The short scenarios of Clipper's integration test (`clipper_admin_tests.py`), against a real engine."""

from pathlib import Path

import pytest

import clipper_sls as cl
from clipper_sls.deployers.python import create_endpoint, deploy_python_closure

NOOP = "clipper/noop-container:develop"
SLO_MICROS = 3_000_000


def _names(connection):
    return {(model["model_name"], model["model_version"]) for model in connection.get_all_models(verbose=True)}


def _zeros(inputs):
    return ["0" for x in inputs]


@pytest.fixture
def application(connection):
    connection.register_application("testapp", "doubles", "DEFAULT", SLO_MICROS)
    return "testapp"


def test_the_newest_registered_version_is_current(connection):
    for version in ("v1", "v2"):
        connection.register_model("m", version, "doubles")
        assert connection.get_model_info("m", version)["model_name"] == "m"
        assert connection.get_current_model_version("m") == version


def test_a_registered_application_is_listed(connection, application):
    assert connection.get_all_apps() == ["testapp"]
    assert connection.get_app_info("testapp") == {
        "name": "testapp",
        "input_type": "doubles",
        "default_output": "DEFAULT",
        "latency_slo_micros": SLO_MICROS,
        "linked_models": [],
    }
    assert connection.get_all_apps(verbose=True) == [connection.get_app_info("testapp")]


def test_an_application_that_is_not_registered_is_none(connection):
    assert connection.get_app_info("fake_app") is None


def test_linking_a_model_that_is_not_registered_fails(connection, application):
    with pytest.raises(cl.ClipperException, match="No model with name"):
        connection.link_model_to_app("testapp", "test_model")


def test_an_unregistered_application_is_gone(connection, application):
    connection.unregister_application("testapp")
    assert connection.get_all_apps() == []


def test_a_model_is_linked_and_unlinked(connection, application):
    assert connection.get_linked_models("testapp") == []
    connection.register_model("m", "v1", "doubles")
    connection.link_model_to_app("testapp", "m")
    assert connection.get_linked_models("testapp") == ["m"]
    connection.unlink_model_from_app("testapp", "m")
    assert connection.get_linked_models("testapp") == []


def test_a_model_that_runs_elsewhere_is_not_resized(connection):
    connection.register_model("m", "v1", "doubles")
    with pytest.raises(cl.ClipperException, match="containerless model"):
        connection.set_num_replicas("m", 5, "v1")


def test_an_older_version_is_made_current(connection):
    connection.register_model("m", "v1", "doubles")
    connection.register_model("m", "v2", "doubles")
    connection.set_model_version("m", "v1")
    current = {m["model_version"]: m["is_current_version"] for m in connection.get_all_models(verbose=True)}
    assert current == {"v1": True, "v2": False}


def test_logs_become_files(connection, tmp_path, empty_folder):
    connection.build_and_deploy_model("m", 1, "doubles", empty_folder, NOOP)
    files = connection.get_clipper_logs(logging_dir=str(tmp_path / "logs"))
    assert len(files) == 2
    assert all(Path(file).is_file() for file in files)


def test_metrics_are_a_dictionary(connection):
    assert len(connection.inspect_instance()) >= 1


def test_a_model_of_the_noop_container_is_deployed(connection, empty_folder):
    connection.build_and_deploy_model("m", "v1", "doubles", empty_folder, NOOP)
    assert connection.get_model_info("m", "v1")["container_name"].startswith("sdk-test-m:v1@sha256:")
    assert connection.get_num_replicas("m") == 1
    assert len(connection.get_all_model_replicas()) == 1


def test_replicas_are_added_and_removed(connection, empty_folder):
    connection.build_and_deploy_model("set-num-reps-model", "v1", "doubles", empty_folder, NOOP)
    connection.set_num_replicas("set-num-reps-model", 4)
    assert connection.get_num_replicas("set-num-reps-model", "v1") == 4
    connection.set_num_replicas("set-num-reps-model", 2, "v1")
    assert connection.get_num_replicas("set-num-reps-model", "v1") == 2


def test_each_replica_can_be_looked_up(connection):
    connection.deploy_model("m", 1, "doubles", NOOP)
    (replica,) = connection.get_all_model_replicas(verbose=True)
    found = connection.get_model_replica_info("m", 1, replica["model_replica_id"])
    assert found == replica
    assert found["model_id"] == "m:1"
    assert connection.get_model_replica_info("m", 1, 999) is None


def test_inactive_versions_are_removed(connection, empty_folder):
    connection.build_and_deploy_model("m", 1, "doubles", empty_folder, NOOP, num_replicas=2)
    connection.build_and_deploy_model("m", 2, "doubles", empty_folder, NOOP, num_replicas=3)
    assert (connection.get_num_replicas("m", 1), connection.get_num_replicas("m", 2)) == (2, 3)
    connection.stop_inactive_model_versions(["m"])
    assert (connection.get_num_replicas("m", 1), connection.get_num_replicas("m", 2)) == (0, 3)
    assert _names(connection) == {("m", "2")}


def test_models_are_stopped_by_model_by_version_and_all(connection):
    models = [(name, version) for name in ("jimmypage", "robertplant") for version in ("i", "ii")]
    for name, version in models:
        connection.deploy_model(name, version, "doubles", NOOP, num_replicas=1)
    assert _names(connection) == set(models)
    connection.stop_models(["jimmypage"])
    assert _names(connection) == {("robertplant", "i"), ("robertplant", "ii")}
    connection.stop_versioned_models({"robertplant": ["ii"]})
    assert _names(connection) == {("robertplant", "i")}
    assert len(connection.get_all_model_replicas()) == 1
    connection.stop_all_model_containers()
    assert _names(connection) == set()
    assert connection.get_all_model_replicas() == []


def test_a_python_closure_is_deployed(connection):
    deploy_python_closure(connection, "m2", 1, "doubles", _zeros)
    assert connection.get_model_info("m2", 1)["input_type"] == "doubles"
    assert connection.get_num_replicas("m2") == 1


def test_an_endpoint_is_registered_deployed_and_linked(connection, predict):
    create_endpoint(connection, "py-closure-test", "doubles", _zeros)
    assert connection.get_all_apps() == ["py-closure-test"]
    assert connection.get_model_info("py-closure-test", 1)["is_current_version"]
    assert connection.get_linked_models("py-closure-test") == ["py-closure-test"]
    assert connection.get_num_replicas("py-closure-test") == 1
    assert predict("py-closure-test", input=[1.0]).json()["output"] == 0


def test_a_tested_predict_function_answers_like_the_deployed_one(connection, predict):
    def predict_func(xs):
        return [sum(x) for x in xs]

    connection.register_application("hello-world", "doubles", "-1.0", SLO_MICROS)
    deploy_python_closure(connection, name="sum-model", version=1, input_type="doubles", func=predict_func)
    connection.link_model_to_app(app_name="hello-world", model_name="sum-model")

    one = [1.1, 2.2, 3.3]
    answer = predict("hello-world", slash="/", input=one).json()
    assert [answer["output"]] == connection.test_predict_function({"input": one}, predict_func, "doubles")

    many = [[1.1, 2.2, 3.3], [4.4, 5.5, 6.6]]
    answers = predict("hello-world", slash="/", input_batch=many).json()["batch_predictions"]
    outputs = [answer["output"] for answer in answers]
    assert outputs == connection.test_predict_function({"input_batch": many}, predict_func, "doubles")


def test_a_query_may_name_a_version(connection, application, predict):
    def predict_func1(xs):
        return ["1" for _ in xs]

    def predict_func2(xs):
        return ["2" for _ in xs]

    deploy_python_closure(connection, "testmodel", "v1", "doubles", predict_func1)
    connection.link_model_to_app("testapp", "testmodel")
    deploy_python_closure(connection, "testmodel", "v2", "doubles", predict_func2)

    pinned = predict("testapp", input=[1.0, 2.0, 3.0], version="v1").json()
    assert (pinned["default"], pinned["output"]) == (False, 1)
    current = predict("testapp", input=[1.0, 2.0, 3.0]).json()
    assert (current["default"], current["output"]) == (False, 2)
    absent = predict("testapp", input=[1.0, 2.0, 3.0], version="skjfhkdjshfjksdhkjf")
    assert absent.status_code == 400
    assert absent.json()["cause"] == "Requested version: skjfhkdjshfjksdhkjf does not exist for model: testmodel"


def test_models_are_built_with_packages(connection, empty_folder):
    for version in ("py2", "py35", "py36", "py37"):
        image = f"clipper/{version.replace('py', 'python')}-closure-container:develop"
        tag = connection.build_model(
            "buildmodeltest", version, empty_folder, image, None, pkgs_to_install=["sympy==1.1.*"]
        )
        assert tag.startswith(f"sdk-test-buildmodeltest:{version}@sha256:")
