"""`dev`, `start`, `stop`: engines that come and go."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from clipper_sls.sdk.engine_process import is_alive

Run = Callable[..., Any]

FREE_PORTS = ("--query-port", "0", "--management-port", "0")
END_LIMIT_S = 30


def _dev(state_dir: Path, *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "clipper_sls", "dev", "--json", "--state-dir", str(state_dir), *FREE_PORTS, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_dev_tells_where_it_is_and_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    ready_file = tmp_path / "ready.json"
    with _dev(tmp_path / "state", "--ready-file", str(ready_file)) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        written = json.loads(ready_file.read_text())
        assert {key: written[key] for key in told} == told
        assert told["pid"] == process.pid
        process.send_signal(number)
        out, err = process.communicate(timeout=END_LIMIT_S)
    assert (process.returncode, out) == (0, ""), err
    assert not ready_file.exists()


def test_an_engine_in_the_background_keeps_its_state_from_stop_to_start(alone: Run, tmp_path: Path) -> None:
    there = ("--state-dir", str(tmp_path / "background"))
    try:
        started = alone("start", *FREE_PORTS, *there, "--json").json
        engine = psutil.Process(started["pid"])
        assert is_alive(engine)
        assert alone("start", *there, "--json").json["pid"] == started["pid"]
        assert alone("register", "app", "-i", "doubles", "-d", "0", *there).code == 0
        assert alone("stop", *there, "--json").json["changed"] is True
        assert not is_alive(engine)
        assert alone("start", *FREE_PORTS, *there).code == 0
        assert [app["name"] for app in alone("apps", "--json", *there).json] == ["app"]
    finally:
        assert alone("stop", "--kill", "--forget", *there).code == 0
    assert not (tmp_path / "background").exists()


def test_stopping_what_does_not_run_is_no_error(alone: Run, tmp_path: Path) -> None:
    ended = alone("stop", "--state-dir", str(tmp_path / "none"), "--json")
    assert (ended.code, ended.json["changed"]) == (0, False)


def _heed_ctrl_c() -> None:
    """A shell starts what it puts into the background, these tests perhaps, so that Ctrl-C is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_following_logs_shows_what_is_printed_from_now_on(run: Run, engine: Any) -> None:
    assert run("register", "app", "-i", "doubles", "-d", "-1", "--slo-ms", "20000").code == 0
    assert run("deploy", "train:predict", "--name", "m", "-v", "1", "-i", "doubles", "--app", "app").code == 0
    command = [sys.executable, "-m", "clipper_sls", "logs", "m", "--follow", "--state-dir", str(engine.state_dir)]
    run("predict", "app", "[1]")
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_ctrl_c,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "m:1/1 | asked for 1\n"
        run("predict", "app", "[[1], [2]]", "--batch")
        assert "asked for" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=END_LIMIT_S)
    assert process.returncode == 130


def test_help_and_version_need_no_engine(alone: Run) -> None:
    assert alone("--version").out.startswith("clipper-sls ")
    helped = alone("--help").out
    for command in ("dev", "start", "stop", "status", "apps", "models", "deploy", "link", "unlink", "versions"):
        assert command in helped


def test_completion_can_be_shown(alone: Run) -> None:
    shown = alone("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert (shown.code, "clipper-sls" in shown.out) == (0, True)
