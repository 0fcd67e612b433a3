"""Starting and ending an engine as a process."""

import subprocess
import sys

import psutil
import pytest

from clipper_sls.errors import EngineStartError
from clipper_sls.sdk.engine_process import end_engine, is_alive, start_engine

OBEDIENT = "input()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); input()"


def _started(code):
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("graceful", [True, False])
def test_an_engine_that_was_ended_is_gone_when_the_call_returns(graceful):
    with _started(OBEDIENT) as child:
        process = psutil.Process(child.pid)
        end_engine(process, graceful)
        assert not is_alive(process)


def test_an_engine_that_does_not_drain_in_time_is_killed():
    with _started(STUBBORN) as child:
        assert child.stdout.readline() == "ready\n"
        process = psutil.Process(child.pid)
        end_engine(process, graceful=True, limit_s=0.1)
        assert not is_alive(process)


def test_ending_what_has_ended_is_no_error():
    with _started("pass") as child:
        process = psutil.Process(child.pid)
        end_engine(process, graceful=True)
        end_engine(process, graceful=True)


def test_an_engine_that_does_not_start_is_an_error_with_the_end_of_its_log(tmp_path):
    with pytest.raises(EngineStartError, match=r"ended with status \d+ before it was ready(?s:.)*engine.log"):
        start_engine(tmp_path, ["--no-such-option"])


def test_a_state_directory_that_cannot_be_made_is_an_error_of_starting(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EngineStartError, match="state"):
        start_engine(tmp_path / "file" / "state", [])
