"""The only place that knows HTTP statuses.

Management keeps Clipper's rule, 400 for whatever is wrong with a request whose names stand in its body; a name in a URL
that leads nowhere is 404, and a version that exists with other content 409.
"""

from clipper_sls import aws_errors, errors, image_errors, job_errors

STATUS_OF: dict[type[errors.ClipperError], int] = {
    errors.ClipperError: 500,
    errors.InvalidError: 400,
    errors.MalformedRequestError: 400,
    errors.InvalidInputError: 400,
    errors.InvalidNameError: 400,
    errors.InvalidSettingError: 400,
    errors.IncompatibleInputTypeError: 400,
    errors.RequestTooLargeError: 413,
    errors.RequestedVersionError: 400,
    errors.InvalidBundleError: 400,
    errors.BundleDigestError: 400,
    errors.UnpicklableError: 400,
    errors.UnsupportedImageError: 400,
    image_errors.InvalidImageError: 400,
    image_errors.ImageDigestError: 400,
    image_errors.ImageDifferenceError: 400,
    errors.AbsentError: 404,
    errors.NotServedError: 404,
    job_errors.UnknownJobError: 404,
    errors.UnknownApplicationError: 400,
    errors.UnknownModelError: 400,
    errors.UnknownVersionError: 400,
    errors.UnknownLinkError: 400,
    image_errors.UnknownImageError: 404,
    errors.ConflictError: 409,
    errors.ApplicationExistsError: 400,
    errors.VersionExistsError: 400,
    errors.VersionContentError: 409,
    errors.LinkExistsError: 400,
    errors.ContainerlessModelError: 400,
    errors.StaleWriteError: 409,
    errors.EngineRunningError: 409,
    errors.PortInUseError: 409,
    errors.RefusedError: 403,
    errors.UntrustedBundleError: 403,
    errors.UnauthorizedError: 401,
    errors.ForbiddenError: 403,
    image_errors.RegistryRefusedError: 403,
    errors.ModelError: 422,
    errors.EnvironmentBuildError: 422,
    image_errors.ImageBuildError: 422,
    image_errors.ImageTooLargeError: 422,
    errors.ModelStartError: 422,
    errors.ModelStartTimeoutError: 504,
    errors.PredictionFailedError: 500,
    job_errors.JobFailedError: 500,
    job_errors.JobExpiredError: 504,
    errors.PredictionTimeoutError: 504,
    errors.NoReplicaError: 503,
    errors.StoreError: 503,
    errors.StorageFullError: 507,
    errors.StoreUnavailableError: 503,
    image_errors.ImageRegistryError: 503,
    image_errors.ContainerEngineError: 503,
    aws_errors.AwsError: 502,
    aws_errors.AwsUnreachableError: 503,
    aws_errors.AwsThrottledError: 503,
    aws_errors.AwsAccessDeniedError: 403,
    aws_errors.AwsCredentialsError: 403,
    aws_errors.BundleUploadError: 403,
    aws_errors.AwsQuotaError: 409,
    aws_errors.AwsResourceAbsentError: 404,
    aws_errors.FunctionFailedError: 422,
    errors.UnconnectedError: 503,
    errors.EngineStartError: 500,
    errors.RequestFailedError: 502,
}

CODE_HEADER = "X-Clipper-Error-Code"
"""Carries the stable code of the error beside a body that is Clipper's text."""


def status_of(error: errors.ClipperError) -> int:
    return STATUS_OF[type(error)]
