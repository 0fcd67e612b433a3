"""What `cache_url` may be."""

from urllib.parse import parse_qs, urlsplit

FORMS = "redis://[user:password@]host[:6379][/database], rediss:// likewise with TLS, or unix:///path/to/socket"
OPTIONS = frozenset(
    {"db", "ssl_ca_certs", "ssl_certfile", "ssl_cert_reqs", "ssl_check_hostname", "ssl_keyfile", "ssl_min_version"}
)


def check_cache_url(url: str) -> None:
    """Raises ValueError, whose message does not show the URL: there may be a password in it."""
    try:
        parts = urlsplit(url)
        port_is_right = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError(f"is not a URL with a port number; expected is {FORMS}") from None
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise ValueError(f"begins with no scheme that is known; expected is {FORMS}")
    has_place = bool(parts.path.strip("/")) if parts.scheme == "unix" else bool(parts.hostname) and port_is_right
    if not has_place:
        raise ValueError(f"names no {'path' if parts.scheme == 'unix' else 'host'}; expected is {FORMS}")
    if parts.scheme != "unix" and not (parts.path.strip("/") or "0").isdecimal():
        raise ValueError(f"has a path that is not the number of a database; expected is {FORMS}")
    unknown = sorted(parse_qs(parts.query, keep_blank_values=True).keys() - OPTIONS)
    if unknown:
        raise ValueError(f"has options that are not known; these are: {', '.join(sorted(OPTIONS))}")
