"""The lock holds what the project asks for, and nothing that depends on where it was made."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

LOCKS = ("dev.txt", "build.txt", "handlers.txt", "management.txt", "sam.txt")
ENTRY = re.compile(r"(?m)^([a-z0-9][a-z0-9._-]*)==(\S+)")


@pytest.fixture(scope="module")
def lock(root: Path) -> str:
    return (root / "requirements/dev.txt").read_text()


@pytest.fixture(scope="module")
def locked(lock: str) -> dict[str, set[Version]]:
    found: dict[str, set[Version]] = {}
    for name, version in ENTRY.findall(lock):
        found.setdefault(canonicalize_name(name), set()).add(Version(version))
    return found


def _asked_for(root: Path) -> list[Requirement]:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    named = ("dev", "docker", "onnx", "redis", "sklearn")
    texts = [*project["dependencies"], *(text for name in named for text in extras[name])]
    return [requirement for text in texts if (requirement := Requirement(text)).name != project["name"]]


def test_the_lock_satisfies_every_direct_requirement(root: Path, locked: dict[str, set[Version]]) -> None:
    unmet = [
        str(requirement)
        for requirement in _asked_for(root)
        if not (versions := locked.get(canonicalize_name(requirement.name)))
        or not all(requirement.specifier.contains(version, prereleases=True) for version in versions)
    ]
    assert unmet == [], "run `make lock`"


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_hashes(root: Path, name: str) -> None:
    text = (root / "requirements" / name).read_text()
    entries = [entry for entry in re.split(r"(?m)^(?=[a-z0-9])", text) if not entry.startswith("#")]
    assert len(entries) > 1
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_names_no_place(root: Path, name: str) -> None:
    text = (root / "requirements" / name).read_text()
    assert [line for line in text.splitlines() if "://" in line or line.startswith("-")] == []


def test_the_set_up_finds_uv_in_the_lock(lock: str) -> None:
    assert re.search(r"(?m)^uv==\S+ \\\n +--hash=sha256:", lock)


@pytest.mark.parametrize("name", ["handlers.txt", "management.txt"])
def test_functions_on_aws_get_the_versions_that_were_tested(
    root: Path, name: str, locked: dict[str, set[Version]]
) -> None:
    found = ENTRY.findall((root / "requirements" / name).read_text())
    assert found
    other = [
        f"{package}=={version}"
        for package, version in found
        if Version(version) not in locked[canonicalize_name(package)]
    ]
    assert other == [], "run `make lock`"
