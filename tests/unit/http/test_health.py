"""Alive is not ready."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from clipper_sls.http.health import HEALTH_PATHS, add_health_routes


@pytest.fixture
def state() -> dict[str, Any]:
    return {"ready": True, "unwell": {}}


@pytest.fixture
async def client(state: dict[str, Any]) -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI()
    add_health_routes(app, lambda: state)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://engine") as client:
        yield client


async def test_ready_is_told_with_what_is_unwell(client: httpx2.AsyncClient, state: dict[str, Any]) -> None:
    state["unwell"] = {"m:1": "degraded"}
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "unwell": {"m:1": "degraded"}})


async def test_readiness_is_asked_for_each_time(client: httpx2.AsyncClient, state: dict[str, Any]) -> None:
    for is_ready, status in ((True, 200), (False, 503), (True, 200)):
        state["ready"] = is_ready
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["ready"]) == (status, is_ready)


async def test_a_process_that_is_not_ready_is_alive(client: httpx2.AsyncClient, state: dict[str, Any]) -> None:
    state["ready"] = False
    answer = await client.get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"live": True})


@pytest.mark.parametrize("path", sorted(HEALTH_PATHS))
async def test_every_path_that_is_free_of_access_rules_only_reads(client: httpx2.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 200
    for method in ("POST", "PUT", "DELETE"):
        assert (await client.request(method, path)).status_code == 405
