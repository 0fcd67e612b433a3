"""The dead letters of jobs over HTTP: what was given up, and what is to become of it."""

from typing import Any

from fastapi import FastAPI

from clipper_sls.domain.identifiers import shortened
from clipper_sls.domain.jobs.messages import DeadLetter, JobMessage, read_message
from clipper_sls.errors import InvalidSettingError, MalformedRequestError
from clipper_sls.http.management import bodies
from clipper_sls.http.management.routes import Documentation, add_route
from clipper_sls.service.services import Services

TAG = "jobs"
MAX_LETTERS = 1_000
SHOWN_CHARACTERS = 200
"""Of a message that cannot be read."""


class JobEndpoints:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def dead(self, body: bodies.SomeLetters) -> list[Any]:
        if not 0 < body.limit <= MAX_LETTERS:
            raise InvalidSettingError(f"limit must be between 1 and {MAX_LETTERS}, not {body.limit}")
        return [_shown(letter) for letter in await self._services.dead_letters.dead(body.limit)]

    async def redrive(self, body: bodies.Nothing) -> dict[str, Any]:
        return {"redriven": await self._services.dead_letters.redrive()}

    async def purge(self, body: bodies.Nothing) -> dict[str, Any]:
        return {"purged": await self._services.dead_letters.purge()}


def _shown(letter: DeadLetter) -> dict[str, Any]:
    """Never the rows, which are somebody's data."""
    shown: dict[str, Any] = {
        "message_id": letter.message_id,
        "reason": letter.reason,
        "died_at": letter.died_at,
        "bytes": len(letter.body.encode()),
    }
    message = _read(letter)
    if message is None:
        return shown | {"job_id": None, "application": None, "body": shortened(letter.body, SHOWN_CHARACTERS)}
    return shown | {"job_id": message.job_id, "application": message.application}


def _read(letter: DeadLetter) -> JobMessage | None:
    try:
        return read_message(letter.body)
    except MalformedRequestError:
        return None


def add_job_routes(app: FastAPI, services: Services) -> None:
    endpoints = JobEndpoints(services)

    def json(summary: str) -> Documentation:
        return Documentation(summary, TAG, answers_json=True)

    add_route(app, "get_dead_jobs", bodies.SomeLetters, endpoints.dead, json("Messages of jobs that were given up"))
    add_route(app, "redrive_dead_jobs", bodies.Nothing, endpoints.redrive, json("Let all of them be tried again"))
    add_route(app, "purge_dead_jobs", bodies.Nothing, endpoints.purge, json("Forget all of them"))
