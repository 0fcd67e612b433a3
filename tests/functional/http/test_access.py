"""Who may talk to the management application."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from clipper_sls.testing.engine import EngineUnderTest, embedded_engine

TOKEN = "a-token-of-a-test"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:1338"}, 200),
        ({"Host": "[::1]:1338"}, 200),
        ({"Host": "rebound.example:1338"}, 403),
        ({"Host": "127.0.0.1.example"}, 403),
        ({"Origin": "http://127.0.0.1:1338"}, 200),
        ({"Origin": "https://page.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1337"}, 403),
    ],
)
async def test_web_pages_are_kept_out(management: httpx2.AsyncClient, headers: dict[str, str], status: int) -> None:
    answer = await management.post("/admin/get_all_models", json={"verbose": False}, headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": TOKEN}, 401),
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
        ({"Authorization": f"Bearer {TOKEN}", "Host": "engine.example"}, 200),
        ({"Authorization": f"Bearer {TOKEN}", "Origin": "https://page.example"}, 403),
    ],
)
async def test_with_a_token_it_is_the_token_that_counts(stage: Any, headers: dict[str, str], status: int) -> None:
    client = stage.management(token=TOKEN)
    answer = await client.post("/admin/get_all_models", json={"verbose": False}, headers=headers)
    assert answer.status_code == status
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert TOKEN not in answer.text


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_health_needs_no_token(stage: Any, path: str) -> None:
    assert (await stage.management(token=TOKEN).get(path, headers={"Host": "anything"})).status_code == 200


@pytest.fixture(scope="module")
def open_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineUnderTest]:
    with embedded_engine(tmp_path_factory.mktemp("open") / "state", ["--host", "0.0.0.0"]) as engine:
        yield engine


def test_an_engine_that_others_can_reach_makes_a_token(open_engine: EngineUnderTest) -> None:
    file = Path(open_engine.state_dir, "management-token")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    url = f"{open_engine.management}/admin/get_all_models"
    with httpx2.Client(trust_env=False, verify=False) as client:
        assert client.post(url, json={"verbose": False}).status_code == 401
        headers = {"Authorization": f"Bearer {file.read_text().strip()}"}
        assert client.post(url, json={"verbose": False}, headers=headers).json() == []
    assert file.read_text().strip() not in open_engine.log


def test_the_sdk_finds_the_token_by_itself(open_engine: EngineUnderTest) -> None:
    from clipper_sls import ClipperConnection, LocalContainerManager

    connection = ClipperConnection(LocalContainerManager(state_dir=open_engine.state_dir))
    connection.connect()
    assert connection.get_all_models() == []
