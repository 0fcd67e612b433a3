"""The tree as the tests of it see it: the files that are, or would be, in the repository."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def tracked(root: Path) -> list[Path]:
    """Files that git has, or would take; relative to the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is not a git checkout, so which files belong to it is not known")
    return [Path(name) for name in listed.decode().split("\0") if name and (root / name).is_file()]


@pytest.fixture(scope="session")
def readme(root: Path) -> str:
    return (root / "README.md").read_text()
