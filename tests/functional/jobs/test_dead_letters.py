"""Jobs that cannot be done: given up, looked into, tried again. By the command, as an operator does."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from clipper_sls.deployers.python import create_endpoint

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def total(inputs: Any) -> list[float]:
    return [float(sum(values)) for values in inputs]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, open_engine: Any) -> Any:
    client = open_engine(tmp_path_factory.mktemp("dead") / "state", job_max_tries=2)
    create_endpoint(client.connection, "app", "doubles", total, slo_micros=20_000_000)
    return client


@pytest.fixture
def run(client: Any) -> Run:
    def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "clipper_sls", "jobs", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "CLIPPER_SLS_STATE_DIR": str(client.engine.state_dir)},  # noqa: TID251
        )

    return command


def test_a_job_is_submitted_and_waited_for(run: Run) -> None:
    job_id = run("submit", "app", "[1, 2]").stdout.strip()
    waited = run("wait", job_id, "--timeout", "60")
    assert (waited.returncode, waited.stdout) == (0, "3.0\n")
    shown = run("status", job_id)
    assert "done" in shown.stdout
    assert json.loads(run("status", job_id, "--json").stdout)["output"] == 3.0
    submitted = json.loads(run("submit", "app", "[[1], [2]]", "--batch", "--json").stdout)
    assert submitted["status"] == "queued"
    assert run("wait", submitted["job_id"]).stdout == "1.0\n2.0\n"


def test_a_job_that_is_unknown_ends_the_command_with_its_code(run: Run) -> None:
    for arguments in (("status", "0" * 32), ("wait", "0" * 32)):
        ended = run(*arguments)
        assert ended.returncode == 3
        assert "No job" in ended.stderr
    assert json.loads(run("status", "x", "--json").stderr)["code"] == "unknown_job"


def test_without_dead_letters_there_is_nothing_to_see_or_do(run: Run) -> None:
    assert json.loads(run("dead", "list", "--json").stdout) == []
    assert json.loads(run("dead", "redrive", "--json").stdout) == {"redriven": 0, "changed": False}
    assert json.loads(run("dead", "purge", "--json").stdout) == {"purged": 0, "changed": False}


def test_a_job_without_replicas_is_given_up_and_done_once_it_is_redriven(client: Any, run: Run) -> None:
    client.connection.set_num_replicas("app", 0)
    job_id = run("submit", "app", "[5]").stdout.strip()
    waited = run("wait", job_id, "--timeout", "60")
    assert waited.returncode == 1
    assert "given up after 2 tries: 1 of 1 rows: no_replica" in waited.stderr
    assert json.loads(run("status", job_id, "--json").stdout)["code"] == "job_failed"
    (letter,) = json.loads(run("dead", "list", "--json").stdout)
    assert (letter["job_id"], letter["application"]) == (job_id, "app")
    assert "no_replica" in letter["reason"]
    assert job_id in run("dead", "list").stdout
    client.connection.set_num_replicas("app", 1)
    assert json.loads(run("dead", "redrive", "--json").stdout) == {"redriven": 1, "changed": True}
    assert client.done(f"/jobs/{job_id}")["output"] == 5.0
    assert json.loads(run("dead", "list", "--json").stdout) == []


def test_a_message_that_cannot_be_read_is_a_dead_letter_and_stops_nobody(client: Any, run: Run) -> None:
    with closing(sqlite3.connect(client.engine.state_dir / "registry.sqlite3")) as database, database:
        database.execute(
            "INSERT INTO job_messages (grp, body, visible_at, receive_count) VALUES ('app', 'poison', 0, 0)"
        )
    assert client.done(client.submit("app", {"input": [6]}))["output"] == 6.0
    (letter,) = json.loads(run("dead", "list", "--json").stdout)
    assert (letter["job_id"], letter["body"]) == (None, "poison")
    assert "Not the message of a job" in letter["reason"]
    assert json.loads(run("dead", "purge", "--json").stdout) == {"purged": 1, "changed": True}
