"""The example in the README runs as it stands there, and prints what it says it prints."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"(?ms)^```(\w+)\n(.*?)^```$")
MAX_LINES = 18
LIMIT_S = 90


def _blocks(language: str) -> list[str]:
    return [code for found, code in BLOCK.findall((ROOT / "README.md").read_text()) if found == language]


def test_the_readme_has_one_short_example() -> None:
    (example,) = _blocks("python")
    assert len([line for line in example.splitlines() if line.strip()]) <= MAX_LINES


@pytest.mark.slow
def test_the_example_prints_what_the_readme_says(tmp_path: Path) -> None:
    (example,) = _blocks("python")
    script = tmp_path / "example.py"
    script.write_text(example)
    command = ["env", f"CLIPPER_SLS_STATE_ROOT={tmp_path / 'state'}", sys.executable, str(script)]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_S)
    assert result.returncode == 0, result.stderr
    expected = [line.removeprefix("# prints ") for line in example.splitlines() if line.startswith("# prints ")]
    assert expected
    assert result.stdout.splitlines() == expected
