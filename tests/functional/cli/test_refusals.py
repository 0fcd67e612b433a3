"""Mistakes that users make at the shell: one sentence, the right exit code, no traceback, no output."""

from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]

DEPLOY = ("--name", "m", "-v", "1", "-i", "doubles")
UNLINKABLE = ("--name", "unlinkable", "-v", "1")
ELSEWHERE = ("unlinkable", "-v", "1", "--url", "http://127.0.0.1:9")


@pytest.fixture(scope="module", autouse=True)
def deployed(run: Run) -> None:
    assert run("register", "app", "-i", "doubles", "-d", "-1").code == 0
    assert run("register", "free", "-i", "doubles", "-d", "-1").code == 0
    assert run("deploy", "train:predict", *DEPLOY, "--app", "app").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("frobnicate",), 2, "No such command"),
        (("deploy", "train:predict"), 2, "Missing option"),
        (("predict", "app"), 2, "Missing argument"),
        (("dev", "--query-port", "x"), 2, "--query-port"),
        (("dev", "--query-port", "70000"), 2, "query_port"),
        (("status", "--cluster", "Not A Name"), 2, "cluster_name"),
        (("predict", "nope", "[1]"), 3, "nope"),
        (("predict", "app", '"x"'), 2, "doubles"),
        (("predict", "app", "[1]", "-v", "9"), 3, "Requested version: 9"),
        (("predict", "app", "@nothing.json"), 2, "nothing.json"),
        (("predict", "app", "5", "--batch"), 2, "input_batch"),
        (("apps", "nope"), 3, "nope"),
        (("versions", "nope"), 3, "nope"),
        (("rollback", "m"), 3, "no earlier version"),
        (("traffic", "m", "9=10"), 3, "does not exist"),
        (("traffic", "m", "ten"), 2, "VERSION=PERCENT"),
        (("switch", "m", "9"), 3, "9"),
        (("undeploy", "m", "9"), 3, "9"),
        (("link", "app", "nope"), 3, "nope"),
        (("unlink", "app", "nope"), 3, "nope"),
        (("unregister", "nope"), 3, "nope"),
        (("logs", "nope"), 3, "nope"),
        (("logs", "--json", "--follow"), 2, "--follow"),
        (("replicas", "-n", "2"), 2, "replicas MODEL"),
        (("replicas", "m", "-n", "-1"), 2, "-1"),
        (("register", "app", "-i", "doubles", "-d", "other"), 4, "app"),
        (("register", "b", "-i", "nonsense", "-d", "0"), 2, "nonsense"),
        (("register", "b", "-i", "doubles", "-d", "0", "--model", "nope"), 3, "nope"),
        (("register", "b", "-i", "strings", "-d", "0", "--model", "m"), 2, "incompatible input_type"),
        (("register", "free", "-i", "doubles", "-d", "-1", "--model", "nope"), 3, "nope"),
        (("register", "a/b", "-i", "doubles", "-d", "0"), 2, "a/b"),
        (("deploy", "train:zero", *DEPLOY), 4, "m"),
        (("deploy", "train:unpicklable", "--name", "x", "-v", "1", "-i", "doubles"), 2, "'log'"),
        (("deploy", "train:nope", *DEPLOY), 2, "there is: "),
        (("deploy", "train:not_a_function", *DEPLOY), 2, "cannot be called"),
        (("deploy", "raises:predict", *DEPLOY), 2, "RuntimeError: no data"),
        (("deploy", "absent:predict", *DEPLOY), 2, "no module 'absent'"),
        (("deploy", "train:predict", *UNLINKABLE, "-i", "doubles", "--app", "nope"), 3, "nope"),
        (("deploy", "train:predict", *UNLINKABLE, "-i", "doubles", "--app", "app"), 4, "unlink app m"),
        (("deploy", "train:predict", *UNLINKABLE, "-i", "s", "--app", "free"), 2, "takes doubles, not s"),
        (("deploy", "train:predict", *UNLINKABLE, "-i", "nonsense", "--app", "free"), 2, "nonsense"),
        (("register-model", *ELSEWHERE, "-i", "doubles", "--app", "nope"), 3, "nope"),
        (("register-model", *ELSEWHERE, "-i", "strings", "--app", "free"), 2, "takes doubles, not strings"),
        (("deploy", *DEPLOY), 2, "or a model directory, with --mlflow DIR"),
        (("deploy", "train:predict", "--mlflow", ".", *DEPLOY), 2, "or a model directory, with --mlflow DIR"),
        (("deploy", "--mlflow", ".", *DEPLOY), 2, "is no MLflow model directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_mistake_is_told(run: Run, arguments: tuple[str, ...], code: int, said: str) -> None:
    ended = run(*arguments)
    assert (ended.code, ended.out) == (code, ""), ended.err
    assert said in ended.err


def test_nothing_was_lost_by_all_that(run: Run) -> None:
    assert run("predict", "app", "[1]", "--json").json["default"] in (False, True)
    app, free = run("apps", "--json").json
    assert free["linked_models"] == []
    assert (app["default_output"], app["linked_models"]) == ("-1", ["m"])
    assert [model["versions"] for model in run("models", "--json").json] == [1]


def test_without_an_engine_the_sentence_says_how_to_start_one(alone: Run) -> None:
    ended = alone("apps", CLIPPER_SLS_MANAGEMENT_PORT="1")
    assert ended.code == 1
    assert "`clipper-sls dev`" in ended.err


def test_with_json_errors_are_json_on_standard_error(run: Run) -> None:
    ended = run("versions", "nope", "--json")
    assert ended.out == ""
    assert '"code": "unknown_model"' in ended.err
