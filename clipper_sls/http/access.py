"""Who may talk to the management application.

It unpickles what it is sent, so reaching it is running code. Loopback keeps other machines out, but not the browser
on this one: any web page may post to 127.0.0.1 without asking. Browsers name the page in `Origin`, so a foreign
origin is refused; and a page whose host name was pointed at 127.0.0.1 after it was loaded (DNS rebinding) has its own
origin but a `Host` that is no address of ours, so that is refused too.
"""

import hmac
import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from clipper_sls.errors import ClipperError, ForbiddenError, UnauthorizedError
from clipper_sls.http.error_map import CODE_HEADER, status_of
from clipper_sls.http.health import HEALTH_PATHS


class AccessGuard:
    """With a token it is the token that counts, and any `Host` will do; without one only literal addresses will."""

    def __init__(self, app: ASGIApp, *, token: str | None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["type"] == "http" and scope["path"] not in HEALTH_PATHS:
                check_access(Headers(scope=scope), self._token)
        except ClipperError as error:
            headers = {CODE_HEADER: error.code}
            if isinstance(error, UnauthorizedError):
                headers["WWW-Authenticate"] = "Bearer"
            await PlainTextResponse(error.msg, status_of(error), headers)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def check_access(headers: Headers, token: str | None) -> None:
    """Raises ForbiddenError or UnauthorizedError."""
    origin, host = headers.get("origin"), headers.get("host", "")
    if origin is not None and origin.partition("://")[2] != host:
        raise ForbiddenError(f"Requests from web pages of {origin} are refused")
    if token is not None:
        given = headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            raise UnauthorizedError(
                "A bearer token is required: set CLIPPER_SLS_MANAGEMENT_TOKEN, or read the file management-token in "
                "the engine's state directory"
            )
    elif host and not _is_local_name(host):
        raise ForbiddenError(f"Requests for host {host!r} are refused; use the engine's address")


def _is_local_name(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
