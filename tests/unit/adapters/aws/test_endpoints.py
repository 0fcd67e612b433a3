import pytest
from botocore.regions import EndpointResolver
from botocore.session import get_session

from clipper_sls.adapters.aws.endpoints import Endpoints
from clipper_sls.errors import InvalidSettingError

SERVICES = ("lambda", "s3", "dynamodb", "sqs")
PARTITIONS = ("aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc")


def test_hosts_are_those_of_botocore_in_every_region() -> None:
    session = get_session()
    resolver = EndpointResolver(session.get_data("endpoints"))
    seen = 0
    for partition in set(PARTITIONS) & set(session.get_available_partitions()):
        for service in SERVICES:
            for region in session.get_available_regions(service, partition_name=partition):
                expected = resolver.construct_endpoint(service, region)["hostname"]
                if service == "s3" and region == "us-east-1":
                    expected = expected.replace("s3.amazonaws", "s3.us-east-1.amazonaws")  # global, from ages ago
                assert Endpoints(region, {}).of(service).url == f"https://{expected}"
                seen += 1
    assert seen > 100


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({}, "https://lambda.eu-west-1.amazonaws.com"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}, "http://127.0.0.1:4566"),
        ({"AWS_ENDPOINT_URL_LAMBDA": "http://a:1", "AWS_ENDPOINT_URL": "http://b:2"}, "http://a:1"),
        ({"AWS_ENDPOINT_URL_SQS": "http://a:1"}, "https://lambda.eu-west-1.amazonaws.com"),
        (
            {"AWS_ENDPOINT_URL": "http://b:2", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            "https://lambda.eu-west-1.amazonaws.com",
        ),
    ],
)
def test_the_environment_names_endpoints(environment: dict[str, str], url: str) -> None:
    assert Endpoints("eu-west-1", environment).of("lambda").url == url


@pytest.mark.parametrize(
    ("environment", "bucket", "url"),
    [
        ({}, "payloads", "https://payloads.s3.eu-west-1.amazonaws.com"),
        ({}, "pay.loads", "https://s3.eu-west-1.amazonaws.com/pay.loads"),
        ({"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:4566"}, "payloads", "http://127.0.0.1:4566/payloads"),
    ],
)
def test_a_bucket_has_a_host_of_its_own_where_it_can(environment: dict[str, str], bucket: str, url: str) -> None:
    assert Endpoints("eu-west-1", environment).of_bucket(bucket).url == url


def test_an_endpoint_that_is_no_url_is_told() -> None:
    with pytest.raises(InvalidSettingError, match="must be http"):
        Endpoints("eu-west-1", {"AWS_ENDPOINT_URL": "localhost:4566"}).of("sqs")
