"""From botocore's errors to ours."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

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

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"})
CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
THROTTLED = frozenset({"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"})
CHANGED = frozenset({"OperationAbortedException", "ResourceConflictException", "PreconditionFailedException"})
ABSENT = frozenset(
    {
        "ResourceNotFoundException",
        "ProvisionedConcurrencyConfigNotFoundException",
        "RepositoryNotFoundException",
        "ImageNotFoundException",
    }
)
QUOTA = frozenset(
    {"CodeStorageExceededException", "AliasLimitExceededException", "LimitExceededException", "ServiceQuotaExceeded"}
)
INVALID = frozenset({"InvalidParameterValueException", "InvalidParameterException", "ValidationException"})

_ACTION = re.compile(r"not authorized to perform: ([\w-]+:\w+)")
_UNRESERVED = re.compile(r"UnreservedConcurrentExecutions?|unreserved concurrency", re.IGNORECASE)
SERVER_ERROR = 500


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """`doing` completes the sentence "AWS would not ..." or the like: "publish a version of st-model-price"."""
    try:
        yield
    except ClientError as error:
        raise _of_answer(error, doing) from error
    except (NoCredentialsError, PartialCredentialsError, TokenRetrievalError, UnauthorizedSSOTokenError) as error:
        raise AwsCredentialsError(
            f"There are no credentials to {doing}: {error} Try: aws sso login, or aws configure"
        ) from error
    except ProfileNotFound as error:
        raise AwsCredentialsError(f"There are no credentials to {doing}: {error}. See AWS_PROFILE") from error
    except NoRegionError as error:
        raise InvalidSettingError(
            f"In which region to {doing} is not said. Set region, AWS_REGION, or the region of your AWS profile"
        ) from error
    except (ConnectionError, HTTPClientError) as error:
        raise AwsUnreachableError(f"AWS did not {doing}: {error}. Try again") from error
    except BotoCoreError as error:
        raise AwsError(f"AWS could not be asked to {doing}: {error}") from error


def _of_answer(error: ClientError, doing: str) -> ClipperError:
    code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
    status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
    said = f"{code}: {message}"
    if code in DENIED:
        found = _ACTION.search(message)
        action = found[1] if found else f"the action {error.operation_name}"
        return AwsAccessDeniedError(
            f"AWS does not let you {doing}: {action} is missing from the policies of these credentials ({said})"
        )
    if code in CREDENTIALS:
        return AwsCredentialsError(f"AWS does not take these credentials to {doing} ({said}). Try: aws sso login")
    if code in THROTTLED:
        return AwsThrottledError(f"AWS was asked too often to {doing} ({said}). Try again in a while")
    if code in CHANGED:
        return StaleWriteError(f"Somebody else came between, so AWS did not {doing} ({said}). Try again")
    if code in ABSENT or _is_unknown_stack(code, message):
        return AwsResourceAbsentError(f"AWS could not {doing}: {message or code}")
    if code in QUOTA or (code in INVALID and _UNRESERVED.search(message)):
        return AwsQuotaError(f"A quota of the account does not let AWS {doing} ({said}). Ask for a higher one")
    if code in INVALID:
        return InvalidSettingError(f"AWS could not {doing}: {message or code}")
    if status >= SERVER_ERROR:
        return AwsUnreachableError(f"AWS failed to {doing} ({said}), each time it was tried. Try again")
    return AwsError(f"AWS could not {doing} ({said})")


def _is_unknown_stack(code: str, message: str) -> bool:
    """CloudFormation has no code of its own for it."""
    return code == "ValidationError" and "does not exist" in message
