"""Which modules are the user's own, and what importing one of them brings along."""

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

from clipper_sls.packaging.own_modules import SourceModule, find_own, own_sources

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Puts sources into a folder that is on `sys.path`; nothing in them is ever imported."""
    folder = tmp_path / "project"

    def run(**sources: str) -> Path:
        for name, source in sources.items():
            path = folder / f"{name.replace('__in__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
        importlib.invalidate_caches()
        return folder

    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    return run


BOOM = "raise RuntimeError('imported')\n"


def test_own_modules_are_found_without_being_imported(write: Write) -> None:
    folder = write(own_lone=BOOM, own_pack__in____init__=BOOM, own_pack__in__part=BOOM)
    assert find_own("own_lone") == SourceModule("own_lone", folder / "own_lone.py", is_package=False)
    assert find_own("own_pack") == SourceModule("own_pack", folder / "own_pack/__init__.py", is_package=True)
    assert find_own("own_pack.part") == SourceModule("own_pack.part", folder / "own_pack/part.py", is_package=False)


def test_a_folder_without_an_init_file_is_no_module_but_what_lies_in_it_is(write: Write) -> None:
    write(own_space__in__part="")
    assert find_own("own_space") is None
    assert find_own("own_space.part") is not None


@pytest.mark.parametrize("name", ["json", "sys", "numpy", "msgspec.json", "clipper_sls.errors", "__main__", "absent_x"])
def test_what_python_packages_and_nobody_provide_is_not_own(name: str) -> None:
    assert find_own(name) is None


@pytest.mark.parametrize("name", ["own_lone.part", "absent_x.y.z", "own_lone.part.deeper"])
def test_below_a_plain_module_there_is_nothing(write: Write, name: str) -> None:
    write(own_lone="")
    assert find_own(name) is None


def test_an_installed_package_lies_where_packages_are_installed(tmp_path: Path, write: Write) -> None:
    folder = write()
    installed = folder / "site-packages" / "own_vendored.py"
    installed.parent.mkdir()
    installed.write_text("")
    assert find_own("site-packages.own_vendored") is None


@pytest.mark.parametrize(
    ("name", "is_package", "package", "relative_path"),
    [
        ("shop", False, "", "shop.py"),
        ("shop", True, "shop", "shop/__init__.py"),
        ("shop.prices", False, "shop", "shop/prices.py"),
        ("shop.old", True, "shop.old", "shop/old/__init__.py"),
    ],
)
def test_a_source_lies_where_its_name_says(name: str, is_package: bool, package: str, relative_path: str) -> None:
    module = SourceModule(name, Path("/project") / relative_path.rpartition("/")[2], is_package)
    assert (module.package, module.relative_path) == (package, relative_path)


def test_all_that_importing_a_module_may_import_comes_along(write: Write) -> None:
    write(
        own_start="import json\n\n\ndef later():\n    from own_pack.part import value\n    return value\n",
        own_pack__in____init__="from own_pack import other\n",
        own_pack__in__part="from . import sibling\nvalue = 1\n",
        own_pack__in__sibling="",
        own_pack__in__other="import own_start\n",
        own_pack__in__unused="",
    )
    found = own_sources(["own_start"])
    assert set(found) == {"own_start", "own_pack", "own_pack.part", "own_pack.sibling", "own_pack.other"}


def test_a_submodule_brings_the_packages_above_it(write: Write) -> None:
    write(own_pack__in____init__="", own_pack__in__deep__in____init__="", own_pack__in__deep__in__part="")
    assert set(own_sources(["own_pack.deep.part"])) == {"own_pack", "own_pack.deep", "own_pack.deep.part"}


@pytest.mark.parametrize("source", ["def (", "x = '\\ud800", "\0", "print 'python 2'"])
def test_a_source_that_cannot_be_read_travels_and_brings_nothing(write: Write, source: str) -> None:
    write(own_broken=source)
    assert set(own_sources(["own_broken"])) == {"own_broken"}
