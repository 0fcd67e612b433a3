"""A client of jobs, for tests of whatever serves them over HTTP."""

from dataclasses import dataclass
from typing import Any

import httpx2

ASYNC = {"Prefer": "respond-async"}
WAIT_S = 20
WAITS = 5


@dataclass(frozen=True, slots=True)
class JobClient:
    """`http` has the base URL of the predict URLs."""

    http: httpx2.Client

    def post(self, app: str, body: Any, **headers: str) -> httpx2.Response:
        return self.http.post(f"/{app}/predict", json=body, headers=headers)

    def submit(self, app: str, body: Any) -> str:
        """The URL of a new job."""
        answer = self.post(app, body, **ASYNC)
        assert answer.status_code == 202, answer.text
        return str(answer.headers["location"])

    def job(self, url: str, wait_s: float = 0) -> dict[str, Any]:
        answer = self.http.get(url, params={"wait": wait_s} if wait_s else {})
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def done(self, url: str) -> dict[str, Any]:
        """The job, once something has become of it."""
        for _ in range(WAITS):
            body = self.job(url, wait_s=WAIT_S)
            if body["status"] != "queued":
                return body
        raise AssertionError(f"{url} is still queued")
