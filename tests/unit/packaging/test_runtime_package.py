"""The runtime's sources for an environment that lacks clipper-sls. That they run is tested with the runtime."""

from pathlib import Path

import numpy

from clipper_sls.packaging.runtime_package import RUNTIME_REQUIREMENTS, stage_runtime


def test_the_folder_holds_the_runtime_and_nothing_of_the_engine(tmp_path: Path) -> None:
    package = stage_runtime(tmp_path / "new") / "clipper_sls"
    assert {path.name for path in package.iterdir()} == {"__init__.py", "errors.py", "py.typed", "domain", "runtime"}
    assert (package / "domain" / "batching" / "aimd.py").is_file()
    assert not list(package.rglob("__pycache__"))


def test_it_is_made_once(tmp_path: Path) -> None:
    staged = stage_runtime(tmp_path)
    made_at = staged.stat().st_mtime_ns
    assert stage_runtime(tmp_path) == staged
    assert staged.stat().st_mtime_ns == made_at
    assert list(tmp_path.iterdir()) == [staged]


def test_the_runtime_needs_four_packages_in_the_versions_of_this_host() -> None:
    needed = ["awslambdaric", "cloudpickle", "numpy", "pynacl"]
    assert [text.partition("==")[0] for text in RUNTIME_REQUIREMENTS] == needed
    assert f"numpy=={numpy.__version__}" in RUNTIME_REQUIREMENTS
