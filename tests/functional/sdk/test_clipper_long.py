"""The long scenarios of Clipper's integration tests, `clipper_admin_tests.py` and `many_apps_many_models.py`."""

import random
import time

import pytest

from clipper_sls.deployers.python import deploy_python_closure

NOOP = "clipper/noop-container:develop"
DEFAULT = "DEFAULT"


@pytest.fixture
def application(connection):
    connection.register_application("app", "doubles", DEFAULT, 3_000_000)
    return "app"


def test_an_application_without_a_model_gives_its_default(connection, application, predict):
    answer = predict("app", input=[99.3, 18.9, 67.2, 34.2]).json()
    assert (answer["output"], answer["default"]) == (DEFAULT, True)


def test_a_deployed_model_answers(connection, application, predict, empty_folder):
    connection.build_and_deploy_model("m", 1, "doubles", empty_folder, NOOP)
    connection.link_model_to_app("app", "m")
    answer = predict("app", input=[99.3, 18.9, 67.2, 34.2]).json()
    assert answer["output"] != DEFAULT
    assert not answer["default"]


def test_a_batch_has_an_answer_for_each_input(connection, application, predict, empty_folder):
    connection.build_and_deploy_model("m", 1, "doubles", empty_folder, NOOP)
    connection.link_model_to_app("app", "m")
    inputs = [[99.3, 18.9], [101.1, 45.6, 98.0], [12.3, 6.7], [9.01, 87.6, 70.2, 19.6]]
    answers = predict("app", input_batch=inputs).json()["batch_predictions"]
    assert [answer["default"] for answer in answers] == [False] * 4


def test_a_deployed_closure_answers(connection, application, predict):
    deploy_python_closure(connection, "m", 1, "doubles", lambda inputs: [str(len(x)) for x in inputs])
    connection.link_model_to_app("app", "m")
    assert predict("app", input=[101.1, 99.5, 107.2]).json()["output"] == 3


def test_batches_of_a_fixed_size_are_full_when_many_queries_wait(connection, predict):
    size = 9

    def predict_func(inputs):
        time.sleep(0.02)  # noqa: TID251 - a model that takes its time
        return [str(len(inputs)) for _ in inputs]

    connection.register_application("app", "doubles", DEFAULT, 30_000_000)
    deploy_python_closure(connection, "m", 1, "doubles", predict_func, batch_size=size)
    connection.link_model_to_app("app", "m")
    inputs = [[float(x) + j * 0.001 for x in range(5)] for j in range(size * 50)]
    answers = predict("app", input_batch=inputs).json()["batch_predictions"]
    assert sum(answer["output"] == size for answer in answers) >= 0.7 * len(inputs)


def test_replicas_are_removed_until_none_is_left_to_answer(connection, application, predict, empty_folder):
    connection.build_and_deploy_model("m", 1, "doubles", empty_folder, NOOP, num_replicas=2)
    connection.link_model_to_app("app", "m")
    assert not predict("app", input=[101.1, 99.5, 107.2]).json()["default"]

    connection.set_num_replicas(name="m", version=1, num_replicas=1)
    assert connection.get_num_replicas("m", 1) == 1
    assert not predict("app", input=[101.1, 99.9]).json()["default"]

    connection.set_num_replicas(name="m", version=1, num_replicas=0)
    assert connection.get_num_replicas("m", 1) == 0
    answer = predict("app", input=[101.1]).json()
    assert answer["default"]
    assert answer["default_explanation"] == "No connected models found for query"


def test_many_applications_with_many_versions_answer(connection, predict):
    numbers = random.Random(0)
    for name in ("testapp0", "testapp1"):
        app, model = f"{name}-app", f"{name}-model"
        connection.register_application(app, "doubles", "default_pred", 100_000)
        assert predict(app, input=[0.0]).json()["default"]
        for version in range(3):
            connection.deploy_model(model, version, "doubles", NOOP)
            if version == 0:
                connection.link_model_to_app(app, model)
            answers = [predict(app, input=[numbers.random()] * 30).json() for _ in range(25)]
            assert sum(answer["default"] for answer in answers) < 25 / 2


def test_a_rollback_lets_the_version_before_answer_again(connection, application, predict):
    deploy_python_closure(connection, "m", 1, "doubles", lambda inputs: ["one"] * len(inputs))
    connection.link_model_to_app("app", "m")
    deploy_python_closure(connection, "m", 2, "doubles", lambda inputs: ["two"] * len(inputs))
    assert predict("app", input=[1.0]).json()["output"] == "two"
    assert connection.rollback("m") == "1"
    assert predict("app", input=[1.0]).json()["output"] == "one"


def test_the_status_of_replicas_is_told_by_version(connection):
    connection.deploy_model("m", 1, "doubles", NOOP, min_replicas=1, max_replicas=3)
    (pool,) = connection.get_replica_status("m", 1)
    assert (pool["model_name"], pool["model_version"], pool["health"]) == ("m", "1", "healthy")
    assert (pool["min_replicas"], pool["max_replicas"], pool["ready_replicas"]) == (1, 3, 1)
