"""Which URLs in an event a model's function may follow. Pure; runs inside model images: standard library only.

Whoever may invoke a function can write an event. It must not make the function ask a server in its network.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

_S3_HOST = re.compile(
    r"(?:[a-z0-9][a-z0-9.-]*\.)?s3(?:\.[a-z0-9-]+)?\."
    r"(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov|csp\.hci\.ic\.gov|cloud\.adc-e\.uk)"
)
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


def is_storage_url(url: object, environment: Mapping[str, str]) -> bool:
    """Whether `url` leads to S3: to AWS's hosts by HTTPS, or to the endpoint that `environment` names instead."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    if parts.username is not None or parts.password is not None:
        return False
    named = next((environment[name] for name in _ENDPOINTS if environment.get(name)), None)
    if named is not None:
        return (parts.scheme, parts.netloc) == urlsplit(named)[:2]
    return parts.scheme == "https" and port is None and bool(_S3_HOST.fullmatch(parts.hostname or ""))
