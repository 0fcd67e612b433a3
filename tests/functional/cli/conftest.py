"""The command itself, as a user runs it, against a real engine."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clipper_sls.testing.engine import EngineUnderTest, embedded_engine

COMMAND_LIMIT_S = 60

TRAIN = """
import factors

def predict(inputs):
    print("asked for", len(inputs))
    return [factors.twice(sum(values)) for values in inputs]

def zero(inputs):
    return [0 for _ in inputs]

def unpicklable(inputs):
    return [log for _ in inputs]

def broken(inputs):
    raise ValueError("always")

log = open(__file__)
not_a_function = 3
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineUnderTest]:
    with embedded_engine(tmp_path_factory.mktemp("engine") / "state", ["--cluster-name", "cli-test"]) as engine:
        yield engine


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a user's own modules."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "train.py").write_text(TRAIN)
    (folder / "factors.py").write_text("def twice(value):\n    return 2 * value\n")
    (folder / "raises.py").write_text("raise RuntimeError('no data')\n")
    return folder


@pytest.fixture(scope="module")
def alone(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a command in the project's folder, with no engine that it could find by itself."""
    root = tmp_path_factory.mktemp("root")

    def run(*arguments: str, stdin: str = "", **variables: str) -> Ended:
        done = subprocess.run(
            [sys.executable, "-m", "clipper_sls", *arguments],
            cwd=project,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=COMMAND_LIMIT_S,
            env={**os.environ, "CLIPPER_SLS_STATE_ROOT": str(root), **variables},  # noqa: TID251
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="module")
def run(alone: Run, engine: EngineUnderTest) -> Run:
    """Runs a command with the module's engine."""

    def run_there(*arguments: str, **options: str) -> Ended:
        return alone(*arguments, CLIPPER_SLS_STATE_DIR=str(engine.state_dir), **options)

    return run_there
