"""How source files are named in bundles."""

import json
from pathlib import Path

import pytest

from clipper_sls.packaging.places import make_placeless, shown_path


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    """What modules are imported from: a folder, and another one in it."""
    return [str(tmp_path), str(tmp_path / "src"), "/usr/lib/python3"]


def test_a_file_is_named_as_it_is_imported(tmp_path: Path, folders: list[str]) -> None:
    assert shown_path(str(tmp_path / "shop" / "prices.py"), folders) == "shop/prices.py"


def test_the_innermost_folder_of_the_path_counts(tmp_path: Path, folders: list[str]) -> None:
    assert shown_path(str(tmp_path / "src" / "shop.py"), folders) == "shop.py"


def test_a_link_to_a_folder_of_the_path_changes_nothing(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    link = tmp_path_factory.mktemp("links") / "project"
    link.symlink_to(tmp_path)
    for folder in (tmp_path, link):
        assert shown_path(str(folder / "shop" / "prices.py"), [str(link)]) == "shop/prices.py"


def test_what_lies_elsewhere_keeps_its_last_part(folders: list[str]) -> None:
    assert shown_path("/tmp/ipykernel_4711/1234567.py", folders) == "1234567.py"


def test_without_folders_it_is_those_of_this_process() -> None:
    assert shown_path(__file__) != __file__
    assert shown_path(json.__file__) == "json/__init__.py"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<string>", "<string>"),
        ("<ipython-input-12-0a1b2c3d>", "<ipython-input-0a1b2c3d>"),
        ("<python-input-7>", "<python-input>"),
        ("shop/prices.py", "shop/prices.py"),
    ],
)
def test_what_is_no_path_of_this_machine_stays_but_is_not_counted(name: str, shown: str) -> None:
    assert shown_path(name) == shown


def test_globals_are_renamed_in_place_and_once(tmp_path: Path, folders: list[str]) -> None:
    names = {"__file__": str(tmp_path / "shop" / "__init__.py"), "__path__": [str(tmp_path / "shop")], "x": "/tmp"}
    for _ in range(2):
        make_placeless(names, folders)
        assert names == {"__file__": "shop/__init__.py", "__path__": ["shop"], "x": "/tmp"}
