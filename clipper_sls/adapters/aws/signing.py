"""Signature Version 4: who asks, and that nobody has changed what. Pure.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
A property test compares it with botocore's.
"""

import hmac
import time
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote

from msgspec import Struct

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
_UNRESERVED = "-_.~"
_NOT_SIGNED = frozenset(
    [
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-amzn-trace-id",
    ]
)
"""Headers that proxies may change on the way."""


class Credentials(Struct, frozen=True):
    access_key: str
    secret_key: str
    session_token: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.access_key!r}, ...)"


class Signer:
    """Signs for one service in one region. `path` is always as it is sent, percent-encoded once; `at` seconds UTC."""

    def __init__(self, service: str, region: str) -> None:
        self._service = service
        self._region = region
        self._is_s3 = service == "s3"

    def headers(
        self,
        method: str,
        path: str,
        query: str,
        headers: Mapping[str, str],
        body: bytes,
        credentials: Credentials,
        at: float,
    ) -> dict[str, str]:
        """`headers`, Host among them, and those that sign; `query` is of `query_string`."""
        date_time = _date_time(int(at))
        digest = sha256(body).hexdigest()
        signed = {**headers, "X-Amz-Date": date_time}
        if credentials.session_token:
            signed["X-Amz-Security-Token"] = credentials.session_token
        if self._is_s3:
            signed["X-Amz-Content-SHA256"] = digest
        canonical = sorted((name.lower(), " ".join(value.split())) for name, value in signed.items())
        canonical = [entry for entry in canonical if entry[0] not in _NOT_SIGNED]
        names = ";".join([name for name, _ in canonical])
        lines = "".join([f"{name}:{value}\n" for name, value in canonical])
        request = f"{method}\n{path if self._is_s3 else canonical_path(path)}\n{query}\n{lines}\n{names}\n{digest}"
        scope, signature = self._signature(request, credentials, date_time)
        signed["Authorization"] = (
            f"{ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
        )
        return signed

    def presigned_query(
        self, method: str, path: str, host: str, credentials: Credentials, at: float, *, expires_s: int
    ) -> str:
        """The query of a URL by which anybody may do this one thing for `expires_s`, whatever the body is."""
        date_time = _date_time(int(at))
        parameters = {
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{credentials.access_key}/{self._scope(date_time)}",
            "X-Amz-Date": date_time,
            "X-Amz-Expires": str(expires_s),
            "X-Amz-SignedHeaders": "host",
        }
        if credentials.session_token:
            parameters["X-Amz-Security-Token"] = credentials.session_token
        query = query_string(parameters)
        canonical = path if self._is_s3 else canonical_path(path)
        request = f"{method}\n{canonical}\n{query}\nhost:{host}\n\nhost\n{UNSIGNED_PAYLOAD}"
        return f"{query}&X-Amz-Signature={self._signature(request, credentials, date_time)[1]}"

    def _scope(self, date_time: str) -> str:
        return f"{date_time[:8]}/{self._region}/{self._service}/aws4_request"

    def _signature(self, request: str, credentials: Credentials, date_time: str) -> tuple[str, str]:
        scope = self._scope(date_time)
        text = f"{ALGORITHM}\n{date_time}\n{scope}\n{sha256(request.encode()).hexdigest()}"
        key = _signing_key(credentials.secret_key, scope)
        return scope, hmac.digest(key, text.encode(), "sha256").hex()


def query_string(parameters: Mapping[str, str]) -> str:
    """As it is sent and signed: encoded, and in order."""
    encoded = [(quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED)) for name, value in parameters.items()]
    return "&".join([f"{name}={value}" for name, value in sorted(encoded)])


@lru_cache(maxsize=256)
def canonical_path(path: str) -> str:
    """For all services but S3: without dots and repeated slashes, and encoded once more."""
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del kept[-1:]
        elif part not in ("", "."):
            kept.append(part)
    end = "/" if path.endswith("/") and kept else ""
    return quote("/" + "/".join(kept) + end, safe="/~")


@lru_cache(maxsize=16)
def _signing_key(secret_key: str, scope: str) -> bytes:
    """Changes daily."""
    key = b"AWS4" + secret_key.encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


@lru_cache(maxsize=2)
def _date_time(seconds: int) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))
