"""`clipper-sls --stack`, as a user runs it: what is planned is what is done."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clipper_sls.testing.local_aws import LocalAwsUnderTest

LIMIT_S = 100
TRAIN = """
def twice(inputs):
    return [2 * float(sum(row)) for row in inputs]

def thrice(inputs):
    return [3 * float(sum(row)) for row in inputs]
"""


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def run(stack: LocalAwsUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The stack is named by its variable, as the fixture `stack` sets it, unless an argument does."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "train.py").write_text(TRAIN)

    def run(*arguments: str, **variables: str) -> Ended:
        done = subprocess.run(
            [sys.executable, "-m", "clipper_sls", *arguments],
            cwd=folder,
            env={**os.environ, **variables},  # noqa: TID251
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


def _deploy(function: str, version: str, *more: str) -> tuple[str, ...]:
    return ("deploy", f"train:{function}", "--name", "m", "-v", version, "-i", "doubles", *more)


def test_what_a_dry_run_prints_is_what_is_done_and_is_done_once(run: Run) -> None:
    planned = run(*_deploy("twice", "1", "--dry-run"))
    assert planned.code == 0, planned.err
    assert planned.out.splitlines()[-1] == "register m:1 and make it current"
    as_json = run(*_deploy("twice", "1", "--dry-run", "--json")).json
    assert [step["step"] for step in as_json["steps"]][:2] == ["publish_image", "create_function"]
    assert run("models", "--json").json == []
    done = run(*_deploy("twice", "1", "--json")).json
    assert done["steps"] == as_json["steps"]
    again = run(*_deploy("twice", "1", "--json")).json
    assert (again["changed"], "steps" in again) == (False, False)
    assert run(*_deploy("twice", "1", "--dry-run")).out == ""


def test_every_command_talks_to_the_stack(run: Run, stack: LocalAwsUnderTest) -> None:
    first = run(*_deploy("thrice", "2"))
    assert first.code == 0, first.err
    assert "point the alias v-2" in first.err
    registered = run("register", "app", "-i", "doubles", "-d", "0", "--slo-ms", "20000", "--model", "m", "--json")
    assert registered.json["url"] == f"{stack.query}/app/predict"
    assert run("predict", "app", "[1, 2]").out == "9.0\n"
    assert run("rollback", "m", "--json").json["to_version"] == "1"
    assert run("predict", "app", "[1, 2]").out == "6.0\n"
    assert run("switch", "m", "2").code == 0
    assert [part["percent"] for part in run("traffic", "m", "1=25", "--json").json["traffic"]] == [75, 25]
    assert run("traffic", "m", "1=0").code == 0
    (pool,) = run("replicas", "m", "-v", "2", "-n", "1", "--json").json
    assert (pool["ready_replicas"], pool["min_replicas"], pool["max_replicas"]) == (1, 1, 1000)
    assert run("logs", "m", "--json").code == 0
    assert {row["model_version"] for row in run("versions", "m", "--json").json} == {"1", "2"}


def test_a_stack_that_is_not_there_and_one_that_cannot_be_reached(run: Run) -> None:
    absent = run("models", "--stack", "nowhere")
    assert (absent.code, "sam deploy --guided --stack-name nowhere" in absent.err) == (3, True)
    away = run("models", AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1")
    assert away.code == 6
    assert "127.0.0.1:9" in away.err
    nobody = run("models", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", AWS_EC2_METADATA_DISABLED="true", HOME="/")
    assert (nobody.code, "aws configure" in nobody.err) == (6, True)


def test_what_is_for_an_engine_is_refused_for_a_stack(run: Run, tmp_path: Path) -> None:
    started = run("start")
    assert (started.code, "sam deploy" in started.err) == (2, True)
    without = {name: value for name, value in os.environ.items() if name != "CLIPPER_SLS_STACK_NAME"}  # noqa: TID251
    arguments = [sys.executable, "-m", "clipper_sls", *_deploy("twice", "1", "--dry-run"), "--state-dir", str(tmp_path)]
    done = subprocess.run(arguments, env=without, capture_output=True, text=True, timeout=LIMIT_S)
    assert (done.returncode, "--stack NAME" in done.stderr) == (2, True)
