"""What a second cache needs is missed where somebody reads the error, and not by queries."""

import pytest

from clipper_sls.adapters.aws.dynamodb.prediction_cache import DynamoPredictionCache
from clipper_sls.adapters.redis.cluster_cache import RedisClusterPredictionCache
from clipper_sls.adapters.redis.prediction_cache import RedisPredictionCache
from clipper_sls.bootstrap.remote_caches import check_remote_cache, remote_cache
from clipper_sls.errors import InvalidSettingError
from clipper_sls.testing import ManualClock
from clipper_sls.testing.ports import free_port

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@pytest.mark.parametrize(
    ("url", "environment"),
    [
        ("dynamodb://shop-cache", {**KEYS, "AWS_REGION": "eu-west-1"}),
        ("dynamodb://shop-cache", {**KEYS, "AWS_DEFAULT_REGION": "eu-west-1"}),
        ("dynamodb://shop-cache?region=eu-west-1", {}),  # credentials by botocore, which is installed here
        ("redis://localhost?cluster=true", {}),
    ],
)
def test_what_is_all_there_is_no_error(url: str, environment: dict[str, str]) -> None:
    check_remote_cache(url, environment)


def test_a_table_without_a_region_is_an_error_that_says_how_to_name_one() -> None:
    with pytest.raises(InvalidSettingError, match=r"AWS_REGION, or add \?region="):
        check_remote_cache("dynamodb://shop-cache", KEYS)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("dynamodb://shop-cache?region=eu-west-1", DynamoPredictionCache),
        ("redis://127.0.0.1:{port}", RedisPredictionCache),
        ("redis://127.0.0.1:{port}?cluster=true", RedisClusterPredictionCache),
        ("redis://127.0.0.1:{port}?cluster=false", RedisPredictionCache),
    ],
)
async def test_the_url_says_which_cache_it_is_and_one_that_is_away_is_no_error(url: str, kind: type) -> None:
    port, closed = free_port(), []
    environment = {**KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    cache = remote_cache(
        url.format(port=port),
        "shop",
        clock=ManualClock(),
        limit_s=0.1,
        environment=environment,
        opened=closed.append,
    )
    assert type(cache) is kind
    await cache.close()
    for close in closed:
        await close()
