"""The engine itself over HTTP: is it there, what is it, end it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from fastapi import FastAPI
from starlette.responses import PlainTextResponse, Response

from clipper_sls.http.management import bodies
from clipper_sls.http.management.routes import TEXT, Documentation, add_route
from clipper_sls.service.services import Services

TAG = "engine"

FrontendStates = Callable[[], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What stays the same while an engine runs."""

    version: str
    pid: int
    cluster_name: str
    state_dir: str
    started_at: float  # seconds since 1970, UTC
    query: str  # URL
    management: str  # URL


def add_engine_routes(
    app: FastAPI,
    services: Services,
    info: EngineInfo,
    is_ready: Callable[[], dict[str, Any]],
    shut_down: Callable[[], None],
    frontends: FrontendStates | None,
) -> None:
    @app.get("/admin/ping", tags=[TAG], response_class=PlainTextResponse, responses={200: {"content": TEXT}})
    async def ping() -> Response:
        """Clipper's sign of life."""
        return PlainTextResponse("PONG")

    @app.get("/admin/get_status", tags=[TAG])
    async def get_status() -> dict[str, Any]:
        """What runs here, since when, and how much is registered."""
        snapshot = services.registry.snapshot
        counts = {"applications": len(snapshot.applications), "models": len(snapshot.versions)}
        more = {} if frontends is None else {"frontends": frontends()}
        return {**asdict(info), **counts, "ready": is_ready()["ready"], **more}

    async def shutdown(body: bodies.Nothing) -> str:
        shut_down()
        return "Draining: answering what is being asked, then stopping the replicas"

    add_route(app, "shutdown", bodies.Nothing, shutdown, Documentation("End the engine", TAG, answers_json=False))
