"""The core stack by AWS' own command, `sam`, which is installed into an environment of its own: `make sam-setup`."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from clipper_sls.testing.stack_function import ROOT

MUST_BE_HERE = "CLIPPER_TESTS_NEED_SAM"
SAM = ROOT / ".venv-sam" / "bin" / "sam"
LIMIT_S = 300

Sam = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def sam(tmp_path_factory: pytest.TempPathFactory) -> Sam:
    """`sam(*arguments, environment)`, run in the root of the tree; for functions that run here, and not on AWS."""
    found = SAM if SAM.is_file() else shutil.which("sam")
    if found is None:
        missing = "NOT TESTED HERE: needs AWS SAM's command: make sam-setup"
        if os.environ.get(MUST_BE_HERE):  # noqa: TID251 - not a setting of the product
            pytest.fail(f"{missing}, which {MUST_BE_HERE} says is there")
        pytest.skip(missing)
    home = tmp_path_factory.mktemp("home")

    def run(*arguments: str, environment: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        inherited = {name: os.environ[name] for name in KEPT if name in os.environ}  # noqa: TID251
        variables = {**inherited, **_here(), "HOME": str(home), "SAM_CLI_TELEMETRY": "0", **(environment or {})}
        command = [str(found), *arguments]
        return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=LIMIT_S)

    return run


KEPT = ("PATH", "LANG", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL", "UV_CACHE_DIR", "SSL_CERT_FILE")


def _here() -> dict[str, str]:
    """What functions are built for, so that this very interpreter can run them."""
    major, minor = sys.version_info[:2]
    return {
        "LAMBDA_PYTHON": f"{major}.{minor}",
        "LAMBDA_PLATFORM": f"{platform.machine()}-manylinux_2_28",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


@pytest.fixture(scope="session")
def built(sam: Sam, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `sam build` has filled."""
    folder = tmp_path_factory.mktemp("sam") / "build"
    done = sam("build", "--build-dir", str(folder))
    assert done.returncode == 0, done.stderr
    return folder
