"""What `import clipper_sls` offers, and what it costs."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import clipper_sls

HEAVY = ("fastapi", "uvicorn", "numpy", "httpx2", "pydantic", "typer", "cloudpickle", "msgspec")


@pytest.mark.parametrize("name", clipper_sls.__all__)
def test_every_listed_name_can_be_imported(name: str) -> None:
    assert getattr(clipper_sls, name) is not None
    assert name in dir(clipper_sls)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'ClipperConection'"):
        clipper_sls.ClipperConection  # noqa: B018


def test_the_version_is_that_of_the_package(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert clipper_sls.__version__ == project["version"]


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = f"import sys, clipper_sls; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []
