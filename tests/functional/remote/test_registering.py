"""An engine answers queries of a version that runs elsewhere, registered through the SDK or the command."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest

from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.domain.inputs import InputType, pack_numbers
from clipper_sls.domain.query import OutputJson, PackedRow, Predicted, RowResult
from clipper_sls.errors import InvalidSettingError, VersionContentError
from clipper_sls.testing.engine import EngineUnderTest, embedded_engine
from clipper_sls.testing.http_model import HttpModelServer, http_model_server

PATIENCE_S = 30.0
SLO_MICROS = 10_000_000


@pytest.fixture
def server() -> Iterator[HttpModelServer]:
    """Answers the number of bytes of a row, from a thread of its own."""
    started: list[HttpModelServer] = []
    is_up, loop = threading.Event(), asyncio.new_event_loop()
    ended = asyncio.Event()

    async def answer(path: str, rows: Sequence[PackedRow]) -> Sequence[RowResult]:
        return [Predicted(OutputJson(b"%d" % len(row))) for row in rows]

    async def serve() -> None:
        async with http_model_server(answer) as server:
            started.append(server)
            is_up.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()])
    thread.start()
    assert is_up.wait(PATIENCE_S)
    yield started[0]
    loop.call_soon_threadsafe(ended.set)
    thread.join(PATIENCE_S)
    loop.close()


@pytest.fixture(params=[1, 2], ids=["engine", "front ends"])
def engine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[EngineUnderTest]:
    with embedded_engine(tmp_path / "state", ["--frontends", str(request.param)]) as engine:
        yield engine


@pytest.fixture
def connection(engine: EngineUnderTest) -> ClipperConnection:
    connection = ClipperConnection(LocalContainerManager(state_dir=engine.state_dir))
    connection.connect()
    return connection


@pytest.fixture
def predict(engine: EngineUnderTest) -> Callable[..., Any]:
    def ask(**body: Any) -> Any:
        return httpx2.post(f"{engine.query}/app/predict", json=body, timeout=PATIENCE_S, trust_env=False).json()

    return ask


def test_queries_are_answered_where_the_version_runs(
    connection: ClipperConnection, server: HttpModelServer, predict: Callable[..., Any]
) -> None:
    connection.register_application("app", "doubles", "none", SLO_MICROS)
    connection.register_model("m", 1, "doubles", url=server.url)
    connection.link_model_to_app("app", "m")

    batch = predict(input_batch=[[1.0], [1.0, 2.0], [1.0]])["batch_predictions"]

    assert [(row["output"], row["default"]) for row in batch] == [(8, False), (16, False), (8, False)]
    (asked,) = server.asked  # one request for all of them, and equal rows once
    assert json.loads(asked.body)["lengths"] == [len(pack_numbers(InputType.DOUBLES, [0.0] * n)) for n in (1, 2)]
    assert connection.get_model_info("m", 1)["url"] == server.url


def test_a_version_whose_server_is_gone_gives_the_default_output_and_says_why(
    connection: ClipperConnection, server: HttpModelServer, predict: Callable[..., Any]
) -> None:
    connection.register_application("app", "doubles", "none", SLO_MICROS)
    connection.register_model("m", 1, "doubles", url="http://127.0.0.1:1")
    connection.link_model_to_app("app", "m")
    answer = predict(input=[1.0])
    assert (answer["default"], answer["default_reason"]) == (True, "no_replica")
    assert "http://127.0.0.1:1 cannot be reached" in answer["default_detail"]
    (pool,) = connection.cm.management.get_replicas("m", "1")
    assert (pool["url"], pool["replicas"]) == ("http://127.0.0.1:1", [])
    assert pool["health"] in ("degraded", "unhealthy")
    assert "cannot be reached" in pool["last_error"]


def test_a_version_never_changes_its_url(connection: ClipperConnection, server: HttpModelServer) -> None:
    connection.register_model("m", 1, "doubles", url=server.url)
    with pytest.raises(VersionContentError, match="another url"):
        connection.register_model("m", 1, "doubles", url="http://127.0.0.1:1")
    with pytest.raises(InvalidSettingError):
        connection.register_model("m", 2, "doubles", url="http://me:secret@127.0.0.1:1")


def test_the_command_registers_shows_and_forgets(
    engine: EngineUnderTest, connection: ClipperConnection, server: HttpModelServer, predict: Callable[..., Any]
) -> None:
    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "clipper_sls", *arguments, "--state-dir", str(engine.state_dir)]
        environment = {**os.environ, "COLUMNS": "200"}  # noqa: TID251 - the command's own
        ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, env=environment)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    connection.register_application("app", "doubles", "none", SLO_MICROS)
    register = ("register-model", "m", "-v", "1", "-i", "doubles", "--url", server.url, "--app", "app", "--json")
    assert json.loads(run(*register))["changed"]
    assert not json.loads(run(*register))["changed"]
    assert predict(input=[1.0])["output"] == 8
    assert server.url in run("versions", "m")
    shown = run("replicas", "m")
    assert server.url in shown
    assert "healthy" in shown
    run("undeploy", "m", "1")
    assert predict(input=[2.0])["default"]
