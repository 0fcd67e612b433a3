"""What the query handler imports, and so what a cold start waits for. `bench.handlers` measures how long that takes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = {
    "clipper_sls",
    "handlers",
    "httptools",  # answers of AWS
    "mangum",  # events to ASGI
    "msgspec",  # JSON
    "typing_extensions",  # of Mangum and msgspec
}
"""All that importing the handler may load, beside the standard library."""

HEAVY_PARTS = {"email", "http.client", "multiprocessing", "unittest", "urllib.request", "xml"}
"""Of the standard library: hundreds of milliseconds, or a sign that something was imported that should not be."""

CODE = """
import json, sys
before = set(sys.modules)
import handlers.{name}
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def _imported(root: Path, name: str) -> set[str]:
    """By a process of its own, where nothing has been imported yet."""
    environment = {
        "CLIPPER_SLS_STACK_NAME": "shop",
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }
    command = [sys.executable, "-c", CODE.format(name=name)]
    told = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    return set(json.loads(told.stdout))


def test_the_query_handler_imports_what_is_listed_and_nothing_else(root: Path) -> None:
    modules = _imported(root, "query")
    tops = {module.partition(".")[0] for module in modules} - sys.stdlib_module_names
    assert {top for top in tops if not top.startswith("_cython") and top != "cython_runtime"} <= PACKAGES
    assert modules & HEAVY_PARTS == set()


@pytest.mark.parametrize("name", ["query", "management", "jobs", "warmup"])
def test_every_handler_can_be_imported_without_asking_anybody(root: Path, name: str) -> None:
    assert f"handlers.{name}" in _imported(root, name)


def test_management_alone_imports_boto3s_client_no_sooner_than_it_asks(root: Path) -> None:
    assert "boto3" not in {module.partition(".")[0] for module in _imported(root, "management")}
