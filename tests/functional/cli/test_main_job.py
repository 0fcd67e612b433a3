"""From a function in a module to a version that is rolled back, by commands alone."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from clipper_sls.testing.ports import free_port

Run = Callable[..., Any]


@pytest.fixture(scope="module", autouse=True)
def deployed(run: Run) -> None:
    assert run("register", "app", "-i", "doubles", "-d", "-1", "--slo-ms", "20000").code == 0
    assert run("deploy", "train:predict", "--name", "m", "-v", "1", "-i", "doubles", "--app", "app").code == 0
    assert run("deploy", "train:zero", "--name", "m", "-v", "2", "-i", "doubles", "-l", "beta").code == 0


def test_the_url_of_an_application_answers(run: Run) -> None:
    url = run("register", "app", "-i", "doubles", "-d", "-1", "--slo-ms", "20000", "--json").json["url"]
    assert url.startswith("http://127.0.0.1:")
    assert url.endswith("/app/predict")


def test_predicting_prints_the_output_and_nothing_else(run: Run) -> None:
    ended = run("predict", "app", "[1, 2]", "-v", "1")
    assert (ended.code, ended.out, ended.err) == (0, "6.0\n", "")


def test_a_batch_prints_one_output_a_line(run: Run) -> None:
    assert run("predict", "app", "[[1], [2, 3]]", "--batch", "-v", "1").out == "2.0\n10.0\n"


@pytest.mark.parametrize("source", ["-", "@input.json"])
def test_inputs_come_from_files_and_pipes(run: Run, project: Any, source: str) -> None:
    (project / "input.json").write_text("[5]")
    assert run("predict", "app", source, "-v", "1", stdin="[5]").out == "10.0\n"


def test_with_json_the_whole_answer_is_printed(run: Run) -> None:
    answer = run("predict", "app", "[4]", "--version", "1", "--json").json
    assert (answer["output"], answer["default"]) == (8.0, False)


def test_a_default_output_is_told_from_a_prediction(run: Run) -> None:
    assert run("register", "lonely", "-i", "strings", "-d", "none").code == 0
    ended = run("predict", "lonely", "a bare string")
    assert (ended.code, ended.out) == (0, '"none"\n')
    assert "default output: No connected models found" in ended.err
    assert run("unregister", "lonely").code == 0


def test_what_is_registered_is_listed(run: Run) -> None:
    (app,) = run("apps", "--json").json
    assert (app["name"], app["latency_slo_micros"], app["linked_models"]) == ("app", 20_000_000, ["m"])
    assert run("apps", "app", "--json").json == app
    assert run("apps").out.splitlines()[1].split() == ["app", "doubles", "20000", "-1", "m"]
    (model,) = run("models", "--json").json
    assert (model["model_name"], model["versions"]) == ("m", 2)
    assert [one["model_version"] for one in run("versions", "m", "--json").json] == ["1", "2"]
    assert "beta" in run("versions", "m").out


def test_rolling_back_and_forth(run: Run) -> None:
    assert run("rollback", "m", "--json").json == {
        "model_name": "m",
        "from_version": "2",
        "to_version": "1",
        "changed": True,
    }
    assert run("predict", "app", "[1]").out == "2.0\n"
    assert run("switch", "m", "2").code == 0
    assert run("predict", "app", "[1]").out == "0\n"


def test_a_version_is_tried_on_some_of_the_queries(run: Run) -> None:
    shared = run("traffic", "m", "1=99.5", "--json").json
    assert shared["traffic"] == [{"model_version": "2", "percent": 0.5}, {"model_version": "1", "percent": 99.5}]
    assert "2.0\n" in {run("predict", "app", "[1]").out for _ in range(3)}
    assert [line.split() for line in run("traffic", "m").out.splitlines()[1:]] == [["2", "0.5"], ["1", "99.5"]]
    assert run("traffic", "m", "1=0").code == 0
    assert run("predict", "app", "[1]").out == "0\n"


def test_repeating_a_change_changes_nothing_and_succeeds(run: Run) -> None:
    again = run("deploy", "train:predict", "--name", "m", "-v", "1", "-i", "doubles", "--app", "app", "--json")
    assert (again.code, again.json["changed"]) == (0, False)
    assert run("link", "app", "m", "--json").json["changed"] is False


def test_replicas_are_listed_and_scaled(run: Run) -> None:
    scaled = run("replicas", "m", "-v", "1", "-n", "2", "--json").json
    assert [pool["ready_replicas"] for pool in scaled] == [2]
    lines = run("replicas", "m").out.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [["m", "1", "healthy"]] * 2 + [["m", "2", "healthy"]]
    assert run("replicas", "m", "-v", "1", "-n", "1").code == 0


def test_logs_name_their_replica(run: Run) -> None:
    run("predict", "app", "[17]", "-v", "1")
    lines = run("logs", "m", "-v", "1").out.splitlines()
    assert any(line.startswith("m:1/") and line.endswith("| asked for 1") for line in lines)
    assert {log["model_version"] for log in run("logs", "--json").json} == {"1", "2"}


def test_status_counts_what_is_there(run: Run, engine: Any) -> None:
    status = run("status", "--json").json
    assert (status["cluster_name"], status["pid"], status["ready"]) == ("cli-test", engine.process.pid, True)
    assert {pool["model_version"]: pool["health"] for pool in status["pools"]} == {"1": "healthy", "2": "healthy"}
    assert engine.query in run("status").out


def test_an_engine_is_found_by_its_url(alone: Run, engine: Any) -> None:
    found = alone("status", "--json", CLIPPER_SLS_MANAGEMENT_URL=engine.management)
    assert found.json["pid"] == engine.process.pid


def test_settings_of_a_file_yield_to_the_environment_and_that_to_flags(alone: Run, engine: Any, project: Any) -> None:
    file = project / "clipper.toml"
    file.write_text(f'state_dir = "{engine.state_dir}"\n')
    # At the usual port another test may have an engine.
    nobody = {"CLIPPER_SLS_STATE_DIR": str(project / "none"), "CLIPPER_SLS_MANAGEMENT_PORT": str(free_port())}
    try:
        assert alone("status").code == 0
        assert alone("status", **nobody).code == 1
        there = ("--state-dir", str(engine.state_dir))
        assert alone("status", *there, **nobody).code == 0
    finally:
        file.unlink()


def test_undeploying_ends_a_version(run: Run) -> None:
    assert run("deploy", "train:zero", "--name", "short", "-v", "1", "-i", "doubles").code == 0
    assert run("undeploy", "short", "1").code == 0
    assert json.loads(run("models", "--json").out)[0]["model_name"] == "m"
    assert run("versions", "short").code == 3
