"""One engine for each state directory, whatever became of the one before."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from clipper_sls.adapters.local.state_directory import StateDirectory, write_atomically
from clipper_sls.errors import EngineRunningError, StoreError

HOLD = """
import sys
from pathlib import Path
from clipper_sls.adapters.local.state_directory import StateDirectory
StateDirectory(Path(sys.argv[1]), "c").lock()
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


def test_the_folder_is_its_owners_alone(folder: Path) -> None:
    state = StateDirectory(folder, "c")
    state.lock()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    state.release()


def test_a_second_engine_is_told_who_has_it_until_that_one_is_killed(folder: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(EngineRunningError, match=f"pid {holder.pid}"):
            StateDirectory(folder, "c").lock()
        holder.kill()
    state = StateDirectory(folder, "c")
    state.lock()
    state.release()


def test_a_released_folder_can_be_taken_again(folder: Path) -> None:
    first, second = StateDirectory(folder, "c"), StateDirectory(folder, "c")
    first.lock()
    first.release()
    second.lock()
    second.release()
    second.release()


def test_a_file_in_the_way_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    with pytest.raises(StoreError):
        StateDirectory(tmp_path / "state", "c").lock()


def test_the_ready_file_says_where_and_goes(folder: Path) -> None:
    state = StateDirectory(folder, "c")
    state.lock()
    state.write_ready_file(query="http://q", management="http://m")
    told = json.loads((folder / "engine.json").read_text())
    assert (told["query"], told["management"], told["cluster_name"]) == ("http://q", "http://m", "c")
    state.remove_ready_file()
    state.remove_ready_file()
    assert not (folder / "engine.json").exists()
    state.release()


def test_the_token_stays_the_same_and_is_secret(folder: Path) -> None:
    folder.mkdir()
    token = StateDirectory(folder, "c").management_token()
    assert token == StateDirectory(folder, "c").management_token()
    assert len(token) >= 32
    assert stat.S_IMODE((folder / "management-token").stat().st_mode) == 0o600


def test_a_write_that_fails_leaves_the_old_content_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    (target / "keeps-it-from-being-replaced").touch()
    with pytest.raises(StoreError):
        write_atomically(target, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
