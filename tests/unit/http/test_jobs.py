"""Which queries become jobs, and what their callers are told."""

import asyncio
import json
import math
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from clipper_sls.domain.identifiers import AppName, ModelId, ModelName, Version
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.jobs.job import Failed, JobId
from clipper_sls.domain.query import Deadline
from clipper_sls.domain.records import Application, Current, Link, Mode, ModelVersion, Record, Switch
from clipper_sls.http.answers import Answer
from clipper_sls.http.decode import PredictBody
from clipper_sls.http.job_route import JobRoute
from clipper_sls.http.jobs import JobPredictions
from clipper_sls.http.prefer import NONE, Preferences
from clipper_sls.testing.fakes import constant
from clipper_sls.testing.jobs import JobWorld

QUICK = Application(AppName("quick"), InputType.STRINGS, "none", 100_000)
QUEUED = Application(AppName("queued"), InputType.STRINGS, "none", 2_000_000, Mode.QUEUE)
SLOW = Application(AppName("slow"), InputType.STRINGS, "none", 60_000_000)
MODEL = ModelId.of("price", "1")
RECORDS: tuple[Record, ...] = (
    *(QUICK, QUEUED, SLOW),
    ModelVersion(MODEL, InputType.STRINGS, bundle_digest="0" * 64),
    *(Link(app.name, ModelName("price")) for app in (QUICK, QUEUED, SLOW)),
    Current(ModelName("price"), (Switch(Version("1"), 0.0),)),
)
ONE = PredictBody((b"a",), is_batch=False, version=None)
ASYNC = Preferences(is_async=True)


@pytest.fixture
async def world() -> JobWorld:
    world = JobWorld()
    world.invoker.models[MODEL] = constant(b"1.5")
    await world.open(*RECORDS)
    return world


def _predictions(world: JobWorld, direct_limit_s: float = math.inf) -> JobPredictions:
    return JobPredictions(
        jobs=world.jobs, predictions=world.predictions, clock=world.clock, direct_limit_s=direct_limit_s
    )


async def _answer(world: JobWorld, application: Application, preferred: Preferences = NONE, **limits: Any) -> Answer:
    """While a worker does what there is to do."""
    asked = asyncio.create_task(_predictions(world, **limits).answer(application, ONE, world.clock.now(), preferred))
    for _ in range(20):
        await asyncio.sleep(0)
    if not asked.done():
        await world.work()
    return await asked


def test_what_prefers_so_is_queued_or_takes_too_long_is_a_job() -> None:
    jobs = _predictions(JobWorld(), direct_limit_s=29.0)
    assert [jobs.are_wanted(app, NONE) for app in (QUICK, QUEUED, SLOW)] == [False, True, True]
    assert all(jobs.are_wanted(app, ASYNC) for app in (QUICK, QUEUED, SLOW))
    assert not _predictions(JobWorld()).are_wanted(SLOW, NONE)
    assert not jobs.are_wanted(QUICK, Preferences(wait_s=5.0))


async def test_an_objective_that_the_gateway_would_not_wait_for_is_accepted_as_a_job(world: JobWorld) -> None:
    answer = await _answer(world, SLOW, direct_limit_s=29.0)
    body, headers = json.loads(answer.body), dict(answer.headers)
    assert (answer.status, body["status"], headers["Location"]) == (202, "queued", f"/jobs/{body['job_id']}")
    assert "Preference-Applied" not in headers


async def test_a_preference_that_was_heeded_is_told(world: JobWorld) -> None:
    assert dict((await _answer(world, QUICK, ASYNC)).headers)["Preference-Applied"] == "respond-async"


async def test_who_waits_for_a_job_gets_its_result_or_its_url(world: JobWorld) -> None:
    waiting = Preferences(is_async=True, wait_s=10.0)
    done = await _answer(world, QUICK, waiting)
    assert (done.status, json.loads(done.body)["output"]) == (200, 1.5)
    asked = asyncio.create_task(_predictions(world).answer(QUICK, ONE, world.clock.now(), waiting))
    for _ in range(20):
        await asyncio.sleep(0)
    await world.clock.advance(10.0)
    assert (await asked).status == 202


async def test_a_query_through_the_queue_is_counted_like_any_other(world: JobWorld) -> None:
    answer = await _answer(world, QUEUED)
    assert (answer.status, json.loads(answer.body)["output"], answer.headers) == (200, 1.5, ())
    assert [(app, rows) for app, _, rows, _ in world.metrics.answers] == [("queued", 1)]


async def test_a_query_through_the_queue_that_nobody_comes_to_has_the_default_output(world: JobWorld) -> None:
    asked = asyncio.create_task(_predictions(world).answer(QUEUED, ONE, world.clock.now(), NONE))
    for _ in range(20):
        await asyncio.sleep(0)
    await world.clock.advance(2.0)
    body = json.loads((await asked).body)
    assert (body["output"], body["default_reason"]) == ("none", "timed_out")
    await world.work()
    assert world.invoker.asked == [], "nobody waits for it any more"


async def test_nobody_waits_longer_than_the_host_does(world: JobWorld) -> None:
    now = world.clock.now()
    for application, preferred in ((QUEUED, NONE), (QUICK, Preferences(is_async=True, wait_s=10.0))):
        asked = asyncio.create_task(_predictions(world).answer(application, ONE, now, preferred, Deadline(now + 1.0)))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not asked.done()
        await world.clock.advance(now + 1.0 - world.clock.now())
        await asked
        now = world.clock.now()


@pytest.fixture
async def client(world: JobWorld) -> Any:
    app = FastAPI()
    app.add_api_route("/jobs/{job_id}", JobRoute(jobs=world.jobs, clock=world.clock).get)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://q") as client:
        yield client


async def test_a_job_that_was_given_up_says_why(world: JobWorld, client: httpx2.AsyncClient) -> None:
    accepted = await _answer(world, QUICK, ASYNC)
    job_id = JobId(json.loads(accepted.body)["job_id"])
    await world.jobs.finish(job_id, Failed("job_failed", "no replica"))
    answer = await client.get(f"/jobs/{job_id}")
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (200, "failed", "job_failed")
    assert body["cause"] == "no replica"
    assert "retry-after" not in answer.headers


async def test_the_longer_a_job_takes_the_later_its_client_is_asked_to_come_back(
    world: JobWorld, client: httpx2.AsyncClient
) -> None:
    accepted = await _answer(world, QUICK, ASYNC)
    url, found = dict(accepted.headers)["Location"], []
    for passed_s in (0.0, 5.0, 300.0):
        await world.clock.advance(passed_s)
        found.append((await client.get(url)).headers["retry-after"])
    assert found == ["1", "5", "30"]


async def test_a_client_waits_by_its_preference_too(world: JobWorld, client: httpx2.AsyncClient) -> None:
    url = dict((await _answer(world, QUICK, ASYNC)).headers)["Location"]
    asked = asyncio.create_task(client.get(url, headers={"Prefer": "wait=5"}))
    for _ in range(50):
        await asyncio.sleep(0)
    assert not asked.done()
    await world.work()
    assert (await asked).json()["output"] == 1.5
