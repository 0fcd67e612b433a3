"""Rules that every file of the tree keeps."""

import re
from pathlib import Path

import pytest

MAX_LINES = 300
TEXT_LIMIT_BYTES = 2_000_000

MACHINE_PATHS = re.compile(
    r"(?<![\w.$}])/(?:work|root|home/\w+|Users/\w+|opt/(?!clipper\b)\w+|mnt|var/folders)/[\w.-]+"
)
REGISTRY_HOSTS = re.compile(
    r"(?i)https?://[^\s\"'`<>)]*(?:artifactory|nexus|jfrog|/simple/?(?=[\s\"'`]|$)|pythonhosted|pypi|devpi|index-url)[^\s\"'`<>)]*"
)
LEFT_OVERS = re.compile(r"(?m)\b(?:TODO|FIXME|XXX)\b|^(?:<<<<<<< |>>>>>>> )")
ABOUT_THE_RULES = {"tests/infra/test_files.py"}


@pytest.fixture(scope="module")
def texts(root: Path, tracked: list[Path]) -> dict[str, str]:
    found = {}
    for path in tracked:
        content = (root / path).read_bytes()
        if len(content) < TEXT_LIMIT_BYTES and b"\0" not in content and path.as_posix() not in ABOUT_THE_RULES:
            found[path.as_posix()] = content.decode(errors="replace")
    return found


def _matches(texts: dict[str, str], pattern: re.Pattern[str]) -> list[str]:
    return [f"{name}: {match.group()}" for name, text in texts.items() for match in pattern.finditer(text)]


def test_no_module_of_the_package_is_too_long(root: Path) -> None:
    modules = sorted((root / "clipper_sls").rglob("*.py"))
    too_long = [str(path.relative_to(root)) for path in modules if len(path.read_text().splitlines()) > MAX_LINES]
    assert modules
    assert too_long == []


def test_no_file_names_a_path_of_somebodys_machine(texts: dict[str, str]) -> None:
    assert _matches(texts, MACHINE_PATHS) == []


def test_no_file_names_a_package_registry(texts: dict[str, str]) -> None:
    assert _matches(texts, REGISTRY_HOSTS) == []


def test_nothing_is_left_unfinished(texts: dict[str, str]) -> None:
    code = {name: text for name, text in texts.items() if name.endswith((".py", ".md", ".toml")) or name == "Makefile"}
    assert _matches(code, LEFT_OVERS) == []


def test_every_module_says_what_it_is_responsible_for(root: Path) -> None:
    modules = [path for path in (root / "clipper_sls").rglob("*.py") if path.stat().st_size]
    silent = [str(path.relative_to(root)) for path in modules if not path.read_text().startswith('"""')]
    assert silent == []
