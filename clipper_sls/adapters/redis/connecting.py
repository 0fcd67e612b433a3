"""From a URL to a client of a Redis or Valkey server, or of a cluster of them."""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as LostConnectionError

from clipper_sls.errors import InvalidSettingError

CONNECT_LIMIT_S = 1.0
"""Of making a connection, for which nobody waits so long."""


def client(url: str, limit_s: float) -> "Redis":
    """Connects when it is first asked. A command on a connection that has died in the meantime is sent once more.

    Raises InvalidSettingError.
    """
    try:
        pool: ConnectionPool = ConnectionPool.from_url(_for_redis_py(url), **_options(limit_s, repeats=1))
    except ValueError as error:
        raise _leads_nowhere(error) from error
    return Redis.from_pool(pool)


def is_cluster(url: str) -> bool:
    """Whether `url` says so, with the option `cluster`."""
    return dict(parse_qsl(urlsplit(url).query)).get("cluster", "").lower() == "true"


def cluster_client(url: str, limit_s: float) -> "RedisCluster":
    """Finds the nodes when it is first asked: `url` leads to any of them. Raises InvalidSettingError."""
    try:
        return RedisCluster.from_url(_for_redis_py(url), require_full_coverage=False, **_options(limit_s, repeats=0))
    except ValueError as error:
        raise _leads_nowhere(error) from error


def _for_redis_py(url: str) -> str:
    """Without the option that is ours."""
    place, _, query = url.partition("?")
    options = urlencode([(name, value) for name, value in parse_qsl(query) if name != "cluster"])
    return f"{place}?{options}" if options else place


def _options(limit_s: float, repeats: int) -> dict[str, Any]:
    return {
        "socket_timeout": limit_s,
        "socket_connect_timeout": max(CONNECT_LIMIT_S, limit_s),
        "retry": Retry(NoBackoff(), repeats, supported_errors=(LostConnectionError,)),
        "protocol": 2,  # all servers speak it, and it needs no greeting
        "driver_info": None,
    }


def _leads_nowhere(error: ValueError) -> InvalidSettingError:
    return InvalidSettingError(f"cache_url leads nowhere: {error}")


def place(url: str) -> str:
    """Where `url` leads to, fit to be printed: without user, password and options."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.path if parts.scheme == 'unix' else parts.netloc.rpartition('@')[2]}"
