"""Requests to one registry: authorized, tried again when that may help, and failing with our errors."""

import re
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import httpx2
import msgspec

from clipper_sls.adapters.oci.authorization import Challenge, authorization
from clipper_sls.adapters.oci.credentials import Credentials
from clipper_sls.domain.image.references import DEFAULT_REGISTRY
from clipper_sls.errors import ClipperError
from clipper_sls.image_errors import ImageRegistryError, RegistryRefusedError, UnknownImageError

ATTEMPTS = 5
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 30.0
TIMEOUT = httpx2.Timeout(60.0, connect=10.0)
PASSING = frozenset((408, 425, 429, 500, 502, 503, 504))
"""Statuses after which the same request may succeed."""

_DOCKER_HUB_API = "registry-1.docker.io"
_LOOPBACK = re.compile(r"(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?")
UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 401, 403, 404

MakeBody = Callable[[], Iterable[bytes]]
Result = TypeVar("Result")


class PassingError(Exception):
    """One try failed in a way that the next may not. Never leaves this package."""

    def __init__(self, reason: str, pause_s: float | None = None) -> None:
        super().__init__(reason)
        self.pause_s = pause_s  # that the registry asked for


@dataclass(frozen=True, slots=True)
class Request:
    """`url` may be relative to the registry. `body`, made anew for each try, has `body_bytes` bytes."""

    method: str
    url: str
    doing: str  # for messages: "push digits:1"
    headers: Mapping[str, str]
    body: MakeBody | None = None
    body_bytes: int = 0


class RegistryHttp:
    """Use as a context manager. Plain HTTP to this machine only, as Docker does."""

    def __init__(self, registry: str, credentials: Credentials | None, pause: Callable[[float], object]) -> None:
        is_near = _LOOPBACK.fullmatch(registry) is not None
        host = _DOCKER_HUB_API if registry == DEFAULT_REGISTRY else registry
        self.registry = registry
        self.takes_chunks = True  # until it is seen not to
        self._origin = f"{'http' if is_near else 'https'}://{host}"
        self._credentials = credentials
        self._authorization: str | None = None
        self._pause = pause
        # No proxy comes between this machine and itself, and reading its certificates takes up to 0.2 s.
        certificates = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if is_near else True
        self._client = httpx2.Client(timeout=TIMEOUT, trust_env=not is_near, verify=certificates, follow_redirects=True)

    def close(self) -> None:
        self._client.close()

    def url(self, location: str) -> str:
        """A Location header's value, which may be relative, as a URL."""
        return urljoin(self._origin, location)

    def send(self, request: Request) -> httpx2.Response:
        """The answer, read whole, once its status is none of PASSING; tried ATTEMPTS times.

        Raises ImageRegistryError then, and RegistryRefusedError.
        """
        return self.persist(lambda: self.send_once(request), request.doing)

    def persist(self, attempt: Callable[[], Result], doing: str) -> Result:
        """What `attempt` returns; after a PassingError it is called again, ATTEMPTS times in all."""
        failures = 0
        while True:
            try:
                return attempt()
            except PassingError as failure:
                failures += 1
                self.rest(failures, failure, doing)

    def rest(self, failures: int, failure: PassingError, doing: str) -> None:
        """Wait before the next try, longer after each. Raises ImageRegistryError when there were ATTEMPTS."""
        if failures >= ATTEMPTS:
            raise ImageRegistryError(
                f"The registry {self.registry} failed {failures} times to {doing}; the last time: {failure}. "
                f"See that it runs and can be reached from here, then try again: what it has is not sent twice"
            ) from failure
        self._pause(min(failure.pause_s or FIRST_PAUSE_S * 2 ** (failures - 1), LONGEST_PAUSE_S))

    def send_once(self, request: Request) -> httpx2.Response:
        """Raises PassingError."""
        with self.stream_once(request) as response:
            with broken_off():
                response.read()
            return response

    @contextmanager
    def stream_once(self, request: Request) -> Iterator[httpx2.Response]:
        """The answer with its body unread. Raises PassingError, RegistryRefusedError."""
        with broken_off():
            response = self._answered(request)
        try:
            if response.status_code in PASSING:
                raise PassingError(f"it answered {response.status_code}", _retry_after_s(response))
            if response.status_code in (UNAUTHORIZED, FORBIDDEN):
                with broken_off():
                    response.read()
                raise self._refusal(request, response)
            yield response
        finally:
            response.close()

    def _answered(self, request: Request) -> httpx2.Response:
        response = self._sent(request)
        if response.status_code == UNAUTHORIZED and "WWW-Authenticate" in response.headers:
            response.close()
            challenge = Challenge.parse(response.headers["WWW-Authenticate"])
            self._authorization = authorization(challenge, self._credentials, self._client, self.registry)
            response = self._sent(request)
        return response

    def _sent(self, request: Request) -> httpx2.Response:
        url = self.url(request.url)
        headers = dict(request.headers)
        if self._authorization and urlsplit(url).netloc == urlsplit(self._origin).netloc:
            headers["Authorization"] = self._authorization
        if request.body is not None:
            headers["Content-Length"] = str(request.body_bytes)
        content = None if request.body is None else request.body()
        return self._client.send(
            self._client.build_request(request.method, url, headers=headers, content=content), stream=True
        )

    def _refusal(self, request: Request, response: httpx2.Response) -> RegistryRefusedError:
        who = f"the user {self._credentials.username!r}" if self._credentials else "somebody who has not logged in"
        return RegistryRefusedError(
            f"The registry {self.registry} lets {who} not {request.doing} ({story(response)}). "
            f"Try: docker login {self.registry}, as a user who may"
        )

    def unexpected(self, request: Request, response: httpx2.Response) -> ClipperError:
        """The error for a status that no caller knows what to do with; reads the answer."""
        with broken_off():
            response.read()
        if response.status_code == NOT_FOUND:
            return UnknownImageError(
                f"The registry {self.registry} knows nothing of what was asked: it could not {request.doing} "
                f"({story(response)}). See that the name is right; some registries want a repository created first"
            )
        return ImageRegistryError(f"The registry {self.registry} did not {request.doing}: {story(response)}")


@contextmanager
def broken_off() -> Iterator[None]:
    """What breaks off within is a PassingError."""
    try:
        yield
    except httpx2.HTTPError as error:
        raise PassingError(f"{type(error).__name__}: {error}") from error


def _retry_after_s(response: httpx2.Response) -> float | None:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else None


class _ErrorEntry(msgspec.Struct):
    code: str = ""
    message: str = ""


class _Errors(msgspec.Struct):
    errors: tuple[_ErrorEntry, ...] = ()


def story(response: httpx2.Response) -> str:
    """Status and what the registry says (distribution specification, "Error Codes"); the answer has been read."""
    try:
        entries = msgspec.json.decode(response.content, type=_Errors).errors
    except msgspec.MsgspecError:
        entries = ()
    told = "; ".join(f"{entry.code}: {entry.message}" for entry in entries)
    return f"status {response.status_code}{f', {told}' if told else ''}"
