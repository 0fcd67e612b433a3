"""HTTP to S3, by presigned URLs. Importing it takes a while, so it is imported when it is needed."""

import http.client
import urllib.error
import urllib.request
from typing import Any

from clipper_sls.errors import StoreUnavailableError

LIMIT_S = 60.0
"""Between two pieces of what comes or goes."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect could lead out of S3."""

    def redirect_request(self, *_: Any) -> None:
        return None


def ask_storage(method: str, url: str, content: bytes | None, most_bytes: int) -> bytes:
    """What S3 answers, the first `most_bytes` of it. Raises StoreUnavailableError."""
    headers = {"Content-Type": "application/octet-stream"}  # urllib's own means a form
    request = urllib.request.Request(url, content, headers, method=method)  # noqa: S310 - checked
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=LIMIT_S) as answer:
            content_read: bytes = answer.read(most_bytes)
            return content_read
    except urllib.error.HTTPError as error:
        with error:
            why = f"{error.code} {error.read(500).decode(errors='replace')}"
        raise StoreUnavailableError(f"S3 answered the function's {method} with {why}") from error
    except (OSError, http.client.HTTPException) as error:
        raise StoreUnavailableError(f"S3 did not answer the function's {method}: {error}") from error
