"""With a second cache, what one environment was told another one knows."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from clipper_sls.testing.redis_server import RedisServerUnderTest
from clipper_sls.testing.stack_function import StackFunctionUnderTest, stack_function
from clipper_sls.testing.stack_resources import StackUnderTest

INPUT = {"input": [40.0, 2.0]}


@pytest.fixture(params=["dynamodb", "elasticache"])
def environments(
    request: pytest.FixtureRequest, stack: StackUnderTest, tmp_path: Path
) -> Iterator[list[StackFunctionUnderTest]]:
    """Two of the query function; only on AWS is ElastiCache a cluster, with TLS."""
    more = {"CLIPPER_SLS_CACHE": request.param}
    if request.param == "elasticache":
        server: RedisServerUnderTest = request.getfixturevalue("redis")
        more["CLIPPER_SLS_CACHE_URL"] = server.url
    with ExitStack() as opened:
        yield [
            opened.enter_context(stack_function("query", stack.environment | more, log=tmp_path / f"{number}.log"))
            for number in range(2)
        ]


def test_what_one_environment_was_told_another_one_knows(environments: list[StackFunctionUnderTest], http_api) -> None:
    first, second = environments
    for _ in range(3):  # what costs to be written is written when it is asked for again
        assert http_api(first, "POST", "/digits/predict", INPUT).json()["output"] == 42.0
    assert http_api(second, "POST", "/digits/predict", INPUT).json()["output"] == 42.0
    (line,) = second.log_lines()
    assert (line["CacheHits"], line["RemoteCacheHits"]) == ([1], [1])
