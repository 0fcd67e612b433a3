"""From a URL to a client of a Redis or Valkey server."""

from urllib.parse import urlsplit

from redis.asyncio import ConnectionPool, Redis
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
        pool: ConnectionPool = ConnectionPool.from_url(
            url,
            socket_timeout=limit_s,
            socket_connect_timeout=max(CONNECT_LIMIT_S, limit_s),
            retry=Retry(NoBackoff(), 1, supported_errors=(LostConnectionError,)),
            protocol=2,  # all servers speak it, and it needs no greeting
            driver_info=None,
        )
    except ValueError as error:
        raise InvalidSettingError(f"cache_url leads nowhere: {error}") from error
    return Redis.from_pool(pool)


def place(url: str) -> str:
    """Where `url` leads to, fit to be printed: without user, password and options."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.path if parts.scheme == 'unix' else parts.netloc.rpartition('@')[2]}"
