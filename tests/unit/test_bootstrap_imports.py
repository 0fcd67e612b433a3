"""What each door into the package loads: a model image and `--help` do not wait for a web server."""

import subprocess
import sys
from pathlib import Path

import pytest

SERVER = {"fastapi", "starlette", "uvicorn", "uvloop", "httptools", "prometheus_client", "cachetools"}
CLIENT = {"httpx2", "psutil", "platformdirs", "pydantic", "pydantic_settings", "msgspec"}
MODEL = {"numpy", "sklearn", "cloudpickle", "awslambdaric"}
HEAVY_STDLIB = {"asyncio", "sqlite3", "multiprocessing", "unittest"}

FREE_OF = {
    "clipper_sls": SERVER | CLIENT | MODEL | HEAVY_STDLIB | {"typer", "rich", "click"},
    "clipper_sls.errors": SERVER | CLIENT | MODEL | HEAVY_STDLIB | {"typer", "rich", "click"},
    "clipper_sls.cli.main": SERVER | CLIENT | MODEL | HEAVY_STDLIB | {"clipper_sls.sdk", "clipper_sls.bootstrap"},
    "clipper_sls.sdk": SERVER | MODEL | {"sqlite3", "typer", "rich", "clipper_sls.bootstrap"},
    "clipper_sls.deployers.python": SERVER | {"sqlite3", "numpy", "awslambdaric", "clipper_sls.bootstrap"},
    "clipper_sls.runtime.model": SERVER | CLIENT | {"typer", "rich", "clipper_sls.sdk", "clipper_sls.config"},
    "clipper_sls.runtime.rows": SERVER | CLIENT | {"typer", "rich", "clipper_sls.sdk", "clipper_sls.config"},
    "clipper_sls.adapters.aws.lambda_invoker": (SERVER - {"httptools"})
    | (CLIENT - {"msgspec"})
    | MODEL
    | {"boto3", "botocore", "email", "http.client", "urllib.request", "sqlite3", "random"},
    "clipper_sls.bootstrap.engine": {"redis", "typer", "rich", "sklearn", "clipper_sls.sdk", "clipper_sls.cli"},
}


def _loaded(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())


@pytest.mark.parametrize(("module", "absent"), FREE_OF.items(), ids=FREE_OF)
def test_a_module_does_not_load(module: str, absent: set[str]) -> None:
    loaded = _loaded(f"import {module}")
    assert module in loaded
    assert loaded & absent == set()


def test_the_help_of_a_command_needs_no_server_and_no_client() -> None:
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "clipper_sls", "dev", "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0
    assert "--state-dir" in result.stdout
    loaded = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "clipper_sls.cli.main" in loaded
    assert loaded & (SERVER | CLIENT | MODEL) - {"pydantic"} == set()  # Typer loads that one itself


def test_the_version_needs_no_server_and_no_client() -> None:
    statement = "from clipper_sls.cli.main import main\ntry: main(['--version'])\nexcept SystemExit: pass"
    assert _loaded(statement) & (SERVER | CLIENT | MODEL) == set()


def test_the_lists_name_modules_that_exist() -> None:
    """A name with a slip in it would forbid nothing."""
    from importlib.util import find_spec

    assert [name for absent in FREE_OF.values() for name in absent if find_spec(name) is None] == []


def test_a_cache_elsewhere_without_its_package_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "sys.modules['redis'] = None\n"
        "from clipper_sls.bootstrap.engine import EmbeddedEngine\n"
        "from clipper_sls.config import Settings\n"
        f"settings = Settings.load(state_dir={str(tmp_path)!r}, cache_url='redis://:s3cret@localhost', query_port=0, "
        "management_port=0)\n"
        "engine = EmbeddedEngine(settings, move_ports=False, on_shutdown=print)\n"
        "asyncio.run(engine.open())"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "InvalidSettingError: setting 'cache_url' needs" in result.stderr
    assert "pip install 'clipper-sls[redis]'" in result.stderr
    assert "s3cret" not in result.stderr
