"""`/metrics`: Prometheus' text, or the JSON of Clipper's front end."""

from typing import Any, Protocol

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

_CONTENT = {"description": "Metrics", "content": {"application/json": {}, "text/plain": {}}}


class MetricsPage(Protocol):
    """What `/metrics` shows."""

    content_type: str

    def prometheus_text(self) -> bytes: ...

    def clipper_json(self) -> dict[str, Any]: ...


def add_metrics_route(app: FastAPI, metrics: MetricsPage) -> None:
    @app.get("/metrics", tags=["operations"], response_class=Response, responses={200: _CONTENT})
    async def read_metrics(request: Request) -> Response:
        """Clipper's JSON, or Prometheus' text when asked for text."""
        accepted = request.headers.get("accept", "")
        if "text/plain" in accepted or "openmetrics" in accepted:
            return Response(metrics.prometheus_text(), headers={"content-type": metrics.content_type})
        return JSONResponse(metrics.clipper_json())
