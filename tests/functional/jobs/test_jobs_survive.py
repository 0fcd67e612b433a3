"""An accepted job is answered, whatever happens to the engine meanwhile."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from clipper_sls.deployers.python import create_endpoint
from clipper_sls.testing.job_client import ASYNC

SLO_MICROS = 20_000_000
ASKERS = 8


def total(inputs: Any) -> list[float]:
    return [float(sum(values)) for values in inputs]


def slow(inputs: Any) -> list[float]:
    time.sleep(0.5)  # noqa: TID251 - a slow model
    return [float(sum(values)) for values in inputs]


def _submit_until_gone(client: Any, first: int) -> dict[str, float]:
    """URLs of accepted jobs and what they must answer."""
    accepted: dict[str, float] = {}
    for number in range(first, first + 10_000):
        try:
            answer = client.post("app", {"input": [number]}, **ASYNC)
        except httpx2.HTTPError:
            return accepted
        if answer.status_code == 202:
            accepted[answer.headers["location"]] = float(number)
    raise AssertionError("the engine was never killed")


def test_every_job_accepted_by_an_engine_that_is_killed_is_answered_by_the_next(
    tmp_path: Path, open_engine: Any
) -> None:
    client = open_engine(tmp_path / "state")
    create_endpoint(client.connection, "app", "doubles", total, slo_micros=SLO_MICROS)
    with ThreadPoolExecutor(ASKERS) as askers:
        asking = [askers.submit(_submit_until_gone, client, 10_000 * asker) for asker in range(ASKERS)]
        time.sleep(2.0)  # noqa: TID251 - of traffic
        client.engine.kill()
        accepted = {url: output for one in asking for url, output in one.result().items()}
    assert len(accepted) > ASKERS
    again = open_engine(tmp_path / "state")
    assert {url: again.done(url).get("output") for url in accepted} == accepted


@pytest.mark.slow
def test_jobs_that_were_being_worked_on_are_answered_at_once_after_a_kill(tmp_path: Path, open_engine: Any) -> None:
    client = open_engine(tmp_path / "state")
    create_endpoint(client.connection, "app", "doubles", slow, slo_micros=SLO_MICROS)
    urls = [client.submit("app", {"input": [number]}) for number in range(5)]
    time.sleep(0.2)  # noqa: TID251 - some are in the model now, or all; whichever, they must be answered
    client.engine.kill()
    again = open_engine(tmp_path / "state")
    began = time.monotonic()  # noqa: TID251
    assert [again.done(url)["output"] for url in urls] == [float(number) for number in range(5)]
    took_s = time.monotonic() - began  # noqa: TID251
    assert took_s < 30.0, "long before their messages become visible by themselves"


@pytest.mark.slow
def test_an_engine_that_is_told_to_end_finishes_what_it_has_begun(tmp_path: Path, open_engine: Any) -> None:
    client = open_engine(tmp_path / "state")
    create_endpoint(client.connection, "app", "doubles", slow, slo_micros=SLO_MICROS)
    urls = [client.submit("app", {"input": [number]}) for number in range(30)]
    assert client.engine.stop() == 0
    again = open_engine(tmp_path / "state", job_concurrency=0)
    states = [again.job(url)["status"] for url in urls]
    assert states.count("queued") + states.count("done") == len(urls)
    assert "done" in states
    again.engine.stop()
    last = open_engine(tmp_path / "state")
    assert [last.done(url)["output"] for url in urls] == [float(number) for number in range(30)]


def test_a_job_that_nobody_comes_to_expires(tmp_path: Path, open_engine: Any) -> None:
    client = open_engine(tmp_path / "state", job_concurrency=0, job_expiry_s=0.1)
    create_endpoint(client.connection, "app", "doubles", total, slo_micros=SLO_MICROS)
    url = client.submit("app", {"input": [1]})
    assert client.job(url)["status"] == "queued"
    client.engine.stop()
    again = open_engine(tmp_path / "state")
    expired = again.done(url)
    assert (expired["status"], expired["code"]) == ("expired", "job_expired")
    assert "output" not in expired
