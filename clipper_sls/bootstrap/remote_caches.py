"""A prediction cache outside this process, from its URL."""

import random
from collections.abc import Awaitable, Callable, Mapping
from importlib.util import find_spec
from urllib.parse import parse_qs, urlsplit

from clipper_sls.adapters.remote_caches.guarded_cache import GuardedCache
from clipper_sls.config.aws_region import told_region
from clipper_sls.errors import InvalidSettingError
from clipper_sls.ports.clock import Clock

Opened = Callable[[Callable[[], Awaitable[None]]], object]

_ACCESS_KEY = "AWS_ACCESS_KEY_ID"


def is_table(url: str) -> bool:
    """Whether `url` leads to DynamoDB, where a write costs as much as ten reads."""
    return urlsplit(url).scheme == "dynamodb"


def check_remote_cache(url: str, environment: Mapping[str, str]) -> None:
    """Raises InvalidSettingError when `url` needs what is not installed, or a region that nobody named."""
    if is_table(url):
        _region(url, environment)
        if _ACCESS_KEY not in environment and find_spec("botocore") is None:
            raise InvalidSettingError(
                "setting 'cache_url' leads to DynamoDB, and nothing here finds credentials for it: set "
                f"{_ACCESS_KEY} and AWS_SECRET_ACCESS_KEY, or pip install 'clipper-sls[aws]'"
            )
        return
    try:
        import clipper_sls.adapters.redis.cluster_cache
        import clipper_sls.adapters.redis.connecting  # noqa: F401
    except ImportError as error:
        raise InvalidSettingError(
            f"setting 'cache_url' needs a package that is not installed ({error}): pip install 'clipper-sls[redis]'"
        ) from error


def remote_cache(
    url: str, namespace: str, *, clock: Clock, limit_s: float, environment: Mapping[str, str], opened: Opened
) -> GuardedCache:
    """Already connecting. What it needs and must be awaited at the end, after it was closed, is given to `opened`.

    Raises InvalidSettingError; a server that is away raises nothing.
    """
    check_remote_cache(url, environment)
    if is_table(url):
        cache = _in_table(url, clock, limit_s, environment, opened)
    else:
        cache = in_redis(url, namespace, clock, limit_s)
    cache.warm_up()
    return cache


def in_redis(url: str, namespace: str, clock: Clock, limit_s: float) -> GuardedCache:
    """Of one server, or with the option `cluster` of several; connects when it is first asked."""
    from clipper_sls.adapters.redis.cluster_cache import RedisClusterPredictionCache
    from clipper_sls.adapters.redis.connecting import client, cluster_client, is_cluster, place
    from clipper_sls.adapters.redis.prediction_cache import RedisPredictionCache

    name = f"at {place(url)}"
    if is_cluster(url):
        nodes = cluster_client(url, limit_s)
        return RedisClusterPredictionCache(nodes, name=name, namespace=namespace, clock=clock, limit_s=limit_s)
    return RedisPredictionCache(client(url, limit_s), name=name, namespace=namespace, clock=clock, limit_s=limit_s)


def _in_table(url: str, clock: Clock, limit_s: float, environment: Mapping[str, str], opened: Opened) -> GuardedCache:
    from clipper_sls.adapters.aws.client import AwsClient
    from clipper_sls.adapters.aws.credentials import credentials_of
    from clipper_sls.adapters.aws.dynamodb.prediction_cache import CONNECT_LIMIT_S, DynamoPredictionCache
    from clipper_sls.adapters.aws.dynamodb.table import DynamoTable
    from clipper_sls.adapters.aws.endpoints import Endpoints

    client = AwsClient(
        credentials=credentials_of(environment, clock),
        endpoints=Endpoints(_region(url, environment), environment),
        clock=clock,
        chance=random.Random().random,  # noqa: S311 - jitter
    )
    opened(client.close)
    table = DynamoTable(client, urlsplit(url).netloc, clock=clock, limit_s=max(CONNECT_LIMIT_S, limit_s))
    return DynamoPredictionCache(table, clock=clock, limit_s=limit_s)


def _region(url: str, environment: Mapping[str, str]) -> str:
    (region,) = parse_qs(urlsplit(url).query).get("region", [""])[-1:]
    found = region or told_region(environment)
    if not found:
        raise InvalidSettingError(
            "setting 'cache_url' names a table of DynamoDB, and nothing says in which region: set AWS_REGION, or add "
            "?region=... to the URL"
        )
    return found
