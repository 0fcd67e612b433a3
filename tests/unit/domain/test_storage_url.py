import pytest

from clipper_sls.domain.storage_url import is_storage_url

LOCAL = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}


@pytest.mark.parametrize(
    "url",
    [
        "https://payloads.s3.eu-west-1.amazonaws.com/rows/1?X-Amz-Signature=1",
        "https://s3.eu-west-1.amazonaws.com/pay.loads/rows/1",
        "https://pay.loads.s3.amazonaws.com/rows/1",
        "https://payloads.s3.cn-north-1.amazonaws.com.cn/rows/1",
    ],
)
def test_s3_may_be_followed(url: str) -> None:
    assert is_storage_url(url, {})


@pytest.mark.parametrize(
    "url",
    [
        "http://payloads.s3.eu-west-1.amazonaws.com/rows",
        "https://169.254.169.254/latest/meta-data",
        "https://payloads.s3.eu-west-1.amazonaws.com.evil.example/rows",
        "https://evil.example/s3.eu-west-1.amazonaws.com",
        "https://evil.example?s3.eu-west-1.amazonaws.com",
        "https://evil.example#.s3.eu-west-1.amazonaws.com",
        "https://user@s3.eu-west-1.amazonaws.com/rows",
        "https://s3.eu-west-1.amazonaws.com:8443/rows",
        "https://nots3.eu-west-1.amazonaws.com/rows",
        "https://lambda.eu-west-1.amazonaws.com/rows",
        "https://evil.example\\.s3.eu-west-1.amazonaws.com/rows",
        "https://[::1",
        "https://s3.eu-west-1.amazonaws.com:port/",
        "file:///etc/passwd",
        "http://127.0.0.1:4566/rows",
        "",
        None,
        7,
    ],
)
def test_nothing_else_may(url: object) -> None:
    assert not is_storage_url(url, {})


@pytest.mark.parametrize(
    ("url", "environment", "expected"),
    [
        ("http://127.0.0.1:4566/payloads/1", LOCAL, True),
        ("http://127.0.0.1:4567/payloads/1", LOCAL, False),
        ("https://127.0.0.1:4566/payloads/1", LOCAL, False),
        ("https://payloads.s3.eu-west-1.amazonaws.com/rows", LOCAL, False),
        ("http://s3:1/payloads/1", LOCAL | {"AWS_ENDPOINT_URL_S3": "http://s3:1"}, True),
    ],
)
def test_where_an_endpoint_is_named_that_is_s3(url: str, environment: dict[str, str], expected: bool) -> None:
    assert is_storage_url(url, environment) is expected
