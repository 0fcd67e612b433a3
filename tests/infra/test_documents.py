"""What the documents say of the tree is so."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER_ROW = re.compile(r"(?m)^\| `([\w./-]+)/` \|")
TARGET = re.compile(r"(?m)^([a-z][a-z-]*):")
MAKE_COMMAND = re.compile(r"`make(?: PYTHON=\S+)? ([a-z-]+)[ `]|^\$? ?make ([a-z-]+)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def _documents(root: Path) -> list[Path]:
    return [*sorted(root.glob("*.md")), *sorted((root / "docs").rglob("*.md"))]


def test_the_map_in_the_readme_is_the_tree(root: Path, readme: str, tracked: list[Path]) -> None:
    mapped = set(FOLDER_ROW.findall(readme))
    top_level = {path.parts[0] for path in tracked if len(path.parts) > 1 and not path.parts[0].startswith(".")}
    package = {
        f"clipper_sls/{path.parts[1]}" for path in tracked if path.parts[0] == "clipper_sls" and len(path.parts) > 2
    }
    assert mapped == top_level | package


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/testing.md"])
def test_every_make_target_that_is_named_exists(root: Path, name: str) -> None:
    targets = set(TARGET.findall((root / "Makefile").read_text()))
    named = {found for pair in MAKE_COMMAND.findall((root / name).read_text()) for found in pair if found}
    assert named
    assert named <= targets


def test_every_target_of_the_makefile_is_explained(root: Path) -> None:
    text = (root / "Makefile").read_text()
    targets = set(re.findall(r"(?m)^\.PHONY: (\S+)", text))
    assert targets == set(re.findall(r"(?m)^([a-z-]+):.*## \S", text))


def test_every_decision_is_listed(root: Path) -> None:
    folder = root / "docs/adr"
    listed = set(LINK.findall((folder / "README.md").read_text()))
    assert {path.name for path in folder.glob("[0-9]*.md")} <= listed


def test_every_relative_link_leads_somewhere(root: Path) -> None:
    broken = [
        f"{document.relative_to(root)} -> {target}"
        for document in _documents(root)
        for target in LINK.findall(document.read_text())
        if "://" not in target and not target.startswith("mailto:") and not (document.parent / target).exists()
    ]
    assert broken == []


def test_the_reference_tables_are_those_of_the_code(root: Path) -> None:
    command = [sys.executable, "docs/reference/tables.py", "--check"]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_continuous_integration_runs_what_people_run(root: Path) -> None:
    assert "exec .ci/container-engine make test-all" in (root / ".ci/run").read_text()
    assert all((root / name).stat().st_mode & 0o111 for name in (".ci/run", ".ci/container-engine"))
