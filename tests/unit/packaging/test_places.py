"""How source files are named in bundles."""

from pathlib import Path

import pytest

from clipper_sls.packaging.places import make_placeless, shown_path


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on `sys.path`, with a package in it that is there a second time by itself."""
    monkeypatch.setattr("sys.path", [str(tmp_path), str(tmp_path / "src"), "/usr/lib/python3"])
    return tmp_path


def test_a_file_is_named_as_it_is_imported(project: Path) -> None:
    assert shown_path(str(project / "shop" / "prices.py")) == "shop/prices.py"


def test_the_innermost_folder_of_the_path_counts(project: Path) -> None:
    assert shown_path(str(project / "src" / "shop.py")) == "shop.py"


def test_a_link_to_a_folder_of_the_path_changes_nothing(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path_factory.mktemp("links") / "project"
    link.symlink_to(project)
    monkeypatch.setattr("sys.path", [str(link)])
    for folder in (project, link):
        assert shown_path(str(folder / "shop" / "prices.py")) == "shop/prices.py"


def test_what_lies_elsewhere_keeps_its_last_part() -> None:
    assert shown_path("/tmp/ipykernel_4711/1234567.py") == "1234567.py"


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


def test_globals_are_renamed_in_place_and_once(project: Path) -> None:
    names = {"__file__": str(project / "shop" / "__init__.py"), "__path__": [str(project / "shop")], "x": "/tmp"}
    for _ in range(2):
        make_placeless(names)
        assert names == {"__file__": "shop/__init__.py", "__path__": ["shop"], "x": "/tmp"}
