"""One HTTP request at a time to an engine, and its failures as our errors.

A client lives for one request: scripts never close a connection of Clipper's, so nothing may stay open.
"""

import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

import clipper_sls.aws_errors
import clipper_sls.image_errors
import clipper_sls.job_errors  # noqa: F401 - `error_classes` finds those of loaded modules
from clipper_sls.errors import ClipperError, RequestFailedError, UnconnectedError, error_classes

CODE_HEADER = "X-Clipper-Error-Code"
CONNECT_TIMEOUT_S = 5.0
QUICK_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class HttpClient:
    """Requests to one address of an engine. Raises the class of `clipper_sls.errors` that the engine names."""

    base_url: str  # "http://127.0.0.1:1338"
    token: str | None = None
    auth: httpx2.Auth | None = None  # signs every request

    @property
    def is_far(self) -> bool:
        """Whether a proxy of the environment may be on the way."""
        return self.auth is not None and self.base_url.startswith("https:")

    def get(self, path: str) -> httpx2.Response:
        return self._request("GET", path, timeout_s=QUICK_TIMEOUT_S, headers={"Accept": "application/json"})

    def post(
        self, path: str, body: Any, timeout_s: float | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """Send `body` as JSON. By default the answer may take any time: starting replicas takes what it takes."""
        return self._request("POST", path, timeout_s=timeout_s, json=body, headers=headers)

    def upload(self, path: str, chunks: Iterable[bytes], content_type: str) -> httpx2.Response:
        """Send a body in chunks, so that a model larger than memory passes."""
        return self._request("POST", path, timeout_s=None, content=chunks, headers={"Content-Type": content_type})

    def _request(self, method: str, path: str, timeout_s: float | None, **content: Any) -> httpx2.Response:
        with self._client(timeout_s) as client:
            response = client.request(method, path, **content)
        if not response.is_success:
            raise error_of(response)
        return response

    @contextmanager
    def _client(self, timeout_s: float | None) -> Iterator[httpx2.Client]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            with httpx2.Client(
                base_url=self.base_url,
                headers=headers,
                timeout=httpx2.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
                auth=self.auth,
                trust_env=self.is_far,  # a proxy of the environment must not come between this machine and itself
                verify=certificates(self.base_url),
            ) as client:
                yield client
        except httpx2.ConnectError as error:
            raise UnconnectedError(
                f"Nothing answers at {self.base_url} ({error}). If the engine has ended, start it with "
                f"ClipperConnection.start_clipper or `clipper-sls start`"
            ) from error
        except httpx2.HTTPError as error:
            raise RequestFailedError(
                f"The request to {self.base_url} broke off: {type(error).__name__}: {error}. See the engine's log"
            ) from error


def certificates(base_url: str) -> ssl.SSLContext | bool:
    """Reading the machine's certificates takes up to 0.2 s, which plain HTTP needs not spend."""
    return True if base_url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def error_of(response: httpx2.Response) -> ClipperError:
    """The error that a response without success stands for, with Clipper's text."""
    code = response.headers.get(CODE_HEADER)
    found = next((cls for cls in error_classes() if cls.code == code), RequestFailedError)
    return found(f"{error_frame(response.status_code)}{response.text}")


def error_frame(status: int) -> str:
    """What Clipper's SDK puts before the text of an error response."""
    return f"Received error status code: {status} and message: "
