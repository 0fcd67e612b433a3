"""What `cache_url` may be."""

import re
from urllib.parse import SplitResult, parse_qs, urlsplit

FORMS = (
    "redis://[user:password@]host[:6379][/database], rediss:// likewise with TLS, both ?cluster=true for a cluster, "
    "unix:///path/to/socket, or dynamodb://table[?region=...]"
)
OPTIONS = frozenset(
    {
        "cluster",
        "db",
        "ssl_ca_certs",
        "ssl_certfile",
        "ssl_cert_reqs",
        "ssl_check_hostname",
        "ssl_keyfile",
        "ssl_min_version",
    }
)
TABLE_OPTIONS = frozenset({"region"})
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}")


def check_cache_url(url: str) -> None:
    """Raises ValueError, whose message does not show the URL: there may be a password in it."""
    try:
        parts = urlsplit(url)
        port_is_right = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError(f"is not a URL with a port number; expected is {FORMS}") from None
    match parts.scheme:
        case "dynamodb":
            _check_table(parts)
        case "unix":
            if not parts.path.strip("/"):
                raise ValueError(f"names no path; expected is {FORMS}")
            _check_options(parts, OPTIONS - {"cluster"})
        case "redis" | "rediss":
            if not (parts.hostname and port_is_right):
                raise ValueError(f"names no host; expected is {FORMS}")
            _check_server(parts)
        case _:
            raise ValueError(f"begins with no scheme that is known; expected is {FORMS}")


def _check_server(parts: SplitResult) -> None:
    if not (parts.path.strip("/") or "0").isdecimal():
        raise ValueError(f"has a path that is not the number of a database; expected is {FORMS}")
    cluster = _check_options(parts, OPTIONS).get("cluster", ["false"])[-1].lower()
    if cluster not in ("true", "false"):
        raise ValueError("has an option `cluster` that is neither true nor false")
    if cluster == "true" and int(parts.path.strip("/") or "0"):
        raise ValueError("names a database, and a cluster has only database 0")


def _check_table(parts: SplitResult) -> None:
    if not _TABLE.fullmatch(parts.netloc) or parts.path.strip("/"):
        raise ValueError(f"names no table of DynamoDB; expected is {FORMS}")
    _check_options(parts, TABLE_OPTIONS)


def _check_options(parts: SplitResult, known: frozenset[str]) -> dict[str, list[str]]:
    options = parse_qs(parts.query, keep_blank_values=True)
    if options.keys() - known:
        raise ValueError(f"has options that are not known; these are: {', '.join(sorted(known))}")
    return options
