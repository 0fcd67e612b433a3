import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ReadTimeoutError,
)

from clipper_sls.adapters.functions.vendor_errors import translated
from clipper_sls.aws_errors import (
    AwsAccessDeniedError,
    AwsCredentialsError,
    AwsError,
    AwsQuotaError,
    AwsResourceAbsentError,
    AwsThrottledError,
    AwsUnreachableError,
)
from clipper_sls.errors import ClipperError, InvalidSettingError, StaleWriteError

DENIED = (
    "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: lambda:PublishVersion on resource: "
    "arn:aws:lambda:us-east-1:123456789012:function:st-model-price because no identity-based policy allows it"
)
BELOW = (
    "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
    "minimum value of [100]."
)


def _answer(code: str, message: str = "because", status: int = 400) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {
                "HTTPStatusCode": status,
                "RequestId": "1",
                "HostId": "",
                "HTTPHeaders": {},
                "RetryAttempts": 0,
            },
        },
        "PublishVersion",
    )


@pytest.mark.parametrize(
    ("error", "ours", "says"),
    [
        (_answer("AccessDeniedException", DENIED, 403), AwsAccessDeniedError, "lambda:PublishVersion is missing"),
        (_answer("AccessDenied", "no", 403), AwsAccessDeniedError, "the action PublishVersion is missing"),
        (_answer("ExpiredTokenException", status=403), AwsCredentialsError, "aws sso login"),
        (NoCredentialsError(), AwsCredentialsError, "aws configure"),
        (_answer("TooManyRequestsException", status=429), AwsThrottledError, "too often"),
        (_answer("ResourceConflictException", status=409), StaleWriteError, "came between"),
        (_answer("PreconditionFailedException", status=412), StaleWriteError, "came between"),
        (_answer("ResourceNotFoundException", "Function not found: x", 404), AwsResourceAbsentError, "not found: x"),
        (_answer("ValidationError", "Stack with id st does not exist"), AwsResourceAbsentError, "does not exist"),
        (_answer("CodeStorageExceededException"), AwsQuotaError, "quota"),
        (_answer("InvalidParameterValueException", BELOW), AwsQuotaError, "minimum value"),
        (_answer("InvalidParameterValueException", "The role is wrong"), InvalidSettingError, "The role is wrong"),
        (_answer("ServiceException", status=500), AwsUnreachableError, "each time"),
        (_answer("Odd", status=418), AwsError, "Odd: because"),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), AwsUnreachableError, "127.0.0.1:1"),
        (ReadTimeoutError(endpoint_url="http://127.0.0.1:1"), AwsUnreachableError, "timeout"),
        (NoRegionError(), InvalidSettingError, "AWS_REGION"),
        (BotoCoreError(), AwsError, "could not be asked"),
    ],
)
def test_what_goes_wrong_is_ours_and_says_what_to_do(error: Exception, ours: type[ClipperError], says: str) -> None:
    with pytest.raises(ours, match=says) as raised, translated("publish a version of st-model-price"):
        raise error
    assert type(raised.value) is ours
    assert "publish a version of st-model-price" in raised.value.msg


def test_what_goes_well_is_left_alone() -> None:
    with translated("do it"):
        pass
