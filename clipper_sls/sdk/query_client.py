"""The predict URL as a typed call."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

from clipper_sls.sdk.http_client import HttpClient
from clipper_sls.sdk.management_client import Answer


@dataclass(frozen=True, slots=True)
class QueryClient:
    """Raises any ClipperError: the engine's, RequestFailedError or UnconnectedError."""

    http: HttpClient

    def predict(self, app: str, body: Mapping[str, Any]) -> Answer:
        """`body` is `{"input": ...}` or `{"input_batch": [...]}`, with a `version` or without."""
        return cast("Answer", self.http.post(f"/{quote(app, safe='')}/predict", body).json())
