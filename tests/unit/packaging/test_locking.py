"""Which packages are locked, and in which versions."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from clipper_sls.packaging.locking import locked

Lock = Callable[..., tuple[str, ...]]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with packages."""
    add(tmp_path, "app", "1.0", ["Lib>=1", "plot; extra == 'plots'", "win; sys_platform == 'win32'"])
    add(tmp_path, "lib", "2.1+cpu", ["base", "app"])
    add(tmp_path, "base", "3.0")
    add(tmp_path, "plot", "4.0", ["canvas (>=0.1)"])
    add(tmp_path, "canvas", "0.2")
    add(tmp_path, "alone", "5.0")
    return tmp_path


@pytest.fixture
def lock(installed: Path) -> Lock:
    """`locked` where nothing is installed but what lies in that folder."""
    return partial(locked, find=lambda name: next(iter(Distribution.discover(name=name, path=[str(installed)])), None))


def add(folder: Path, name: str, version: str, needs: Sequence[str] = (), origin: object = None) -> None:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {n}" for n in needs)]
    (info / "METADATA").write_text("\n".join(lines) + "\n")
    if origin is not None:
        (info / "direct_url.json").write_text(json.dumps(origin))


def test_all_that_is_needed_is_locked_and_nothing_else(lock: Lock, installed: Path) -> None:
    assert lock(["app==1.0"], []) == ("app==1.0", "base==3.0", "lib==2.1")


def test_extras_bring_what_they_need(lock: Lock, installed: Path) -> None:
    assert lock([], ["App[plots]"]) == ("app==1.0", "base==3.0", "canvas==0.2", "lib==2.1", "plot==4.0")


def test_what_is_given_by_hand_is_locked_when_it_is_here(lock: Lock, installed: Path) -> None:
    assert lock(["base==3.0"], ["alone>=4"]) == ("alone==5.0", "base==3.0")


@pytest.mark.parametrize("given", ["lib>=3", "lib==1.0", "lib @ https://example.org/lib.whl"])
def test_what_is_given_by_hand_and_is_not_here_stays_open(given: str, lock: Lock, installed: Path) -> None:
    assert lock(["app==1.0"], [given]) == ("app==1.0",)


def test_paths_and_what_is_not_installed_are_left_to_the_installer(lock: Lock, installed: Path) -> None:
    assert lock([], ["./folder", "absent", "https://example.org/x.whl"]) == ()


def test_what_is_edited_in_place_is_the_users_own(lock: Lock, installed: Path) -> None:
    add(installed, "mine", "1.0", ["base"], {"url": "file:///x", "dir_info": {"editable": True}})
    add(installed, "built", "1.0", ["mine", "canvas"], {"url": "file:///x", "dir_info": {}})
    assert lock(["built==1.0"], []) == ("built==1.0", "canvas==0.2")


def test_the_runtimes_own_packages_are_not_the_models(lock: Lock, installed: Path) -> None:
    add(installed, "clipper_sls", "1.0", ["alone"])
    add(installed, "cloudpickle", "3.0")
    add(installed, "tool", "1.0", ["clipper-sls", "cloudpickle", "base"])
    assert lock(["tool==1.0"], []) == ("base==3.0", "tool==1.0")
