"""Errors about AWS: classes of the one tree, which `clipper_sls.errors` describes."""

from clipper_sls.errors import AbsentError, ConflictError, ModelError, RefusedError, StoreError


class AwsError(StoreError):
    """AWS could not do what it was asked, for a reason that has no class of its own here."""

    code = "aws_failed"


class AwsUnreachableError(AwsError):
    """AWS does not answer, or fails each time it is tried."""

    code = "aws_unreachable"


class AwsThrottledError(AwsError):
    """AWS is asked too often, and went on saying so."""

    code = "aws_throttled"


class AwsAccessDeniedError(RefusedError):
    """AWS does not let these credentials do that; the message names the action that is missing."""

    code = "aws_access_denied"


class AwsCredentialsError(RefusedError):
    """There are no credentials for AWS, or they are wrong or have expired."""

    code = "aws_credentials"


class BundleUploadError(RefusedError):
    """A bundle was sent to the management application on AWS, where models run as images."""

    code = "bundle_upload_refused"


class AwsQuotaError(ConflictError):
    """A quota of the account is used up."""

    code = "aws_quota"


class AwsResourceAbsentError(AbsentError):
    """There is no such stack, function, alias or image on AWS."""

    code = "aws_resource_absent"


class FunctionFailedError(ModelError):
    """A function could not be brought to be active; the message has Lambda's reason."""

    code = "function_failed"
