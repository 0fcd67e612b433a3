"""Both OpenAPI documents are true: every endpoint is there, and whatever a fuzzer sends is answered as they say."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.deployers.python import create_endpoint
from clipper_sls.testing.engine import EngineUnderTest, embedded_engine

LIMIT_S = 100

CLIPPERS = {
    *("add_app", "delete_app", "add_model_links", "delete_model_links", "add_model", "delete_versioned_model"),
    *("set_model_version", "get_all_applications", "get_application", "get_linked_models", "get_all_models"),
    *("get_model", "get_all_containers", "get_container", "get_state", "ping"),
}


def total(inputs: Any) -> list[float]:
    return [float(sum(values)) for values in inputs]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineUnderTest]:
    """With an application and a model for a fuzzer to find."""
    with embedded_engine(tmp_path_factory.mktemp("fuzzed") / "state") as engine:
        connection = ClipperConnection(LocalContainerManager(state_dir=engine.state_dir))
        connection.connect()
        create_endpoint(connection, "app", "doubles", total)
        yield engine


def _document(url: str) -> dict[str, Any]:
    document: dict[str, Any] = httpx2.get(f"{url}/openapi.json", trust_env=False, verify=False).json()
    return document


def test_all_of_clippers_endpoints_are_documented(engine: EngineUnderTest) -> None:
    paths = _document(engine.management)["paths"]
    assert {f"/admin/{name}" for name in CLIPPERS} <= paths.keys()


def test_the_query_application_documents_its_routes(engine: EngineUnderTest) -> None:
    paths = _document(engine.query)["paths"].keys()
    wanted = {"/{application}/predict", "/{application}/update", "/metrics", "/livez", "/readyz"}
    assert wanted <= paths
    assert {path for path in paths if path.startswith("/v2")} >= {"/v2", "/v2/health/live", "/v2/models/{model}/infer"}


def _fuzz(url: str, folder: Path, *options: str) -> None:
    """Schemathesis as its users run it, asking for what is registered here.

    Clipper answers 400 to names that lead nowhere, so data that fits the schema need not be accepted.
    """
    config = folder / "schemathesis.toml"
    config.write_text('[parameters]\n"path.application" = "app"\n"path.model" = "app"\n"path.version" = "1"\n')
    command = [
        *(f"{sys.exec_prefix}/bin/schemathesis", "--config-file", str(config), "run", f"{url}/openapi.json"),
        *("--phases", "examples,coverage,fuzzing", "--exclude-checks", "positive_data_acceptance"),
        *("--max-examples", "60", "--generation-database", "none", "--continue-on-failure", "--no-color", *options),
    ]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S)
    assert ended.returncode == 0, ended.stdout


@pytest.mark.slow
def test_the_query_application_answers_as_documented(engine: EngineUnderTest, tmp_path: Path) -> None:
    _fuzz(engine.query, tmp_path)


@pytest.mark.slow
def test_the_management_application_answers_as_documented(engine: EngineUnderTest, tmp_path: Path) -> None:
    _fuzz(engine.management, tmp_path, "--exclude-path", "/admin/shutdown", "--exclude-path", "/admin/upload_bundle")
