"""The only place that knows exit codes."""

from clipper_sls import aws_errors, errors, image_errors, job_errors

OK = 0  # nothing to change included
FAILED = 1
INVALID = 2  # wrong usage, too
ABSENT = 3
CONFLICT = 4
GATE = 5  # a check stood in the way
REFUSED = 6
CLOUD = 6  # what AWS refused or could not do
TIMEOUT = 7
INTERRUPTED = 130  # what shells give to a command that SIGINT ended

EXIT_CODE_OF: dict[type[errors.ClipperError], int] = {
    errors.ClipperError: FAILED,
    errors.InvalidError: INVALID,
    errors.MalformedRequestError: INVALID,
    errors.InvalidInputError: INVALID,
    errors.InvalidNameError: INVALID,
    errors.InvalidSettingError: INVALID,
    errors.IncompatibleInputTypeError: INVALID,
    errors.RequestTooLargeError: INVALID,
    errors.RequestedVersionError: ABSENT,
    errors.InvalidBundleError: INVALID,
    errors.BundleDigestError: GATE,
    errors.UnpicklableError: INVALID,
    errors.UnsupportedImageError: INVALID,
    image_errors.InvalidImageError: INVALID,
    image_errors.ImageDigestError: GATE,
    image_errors.ImageDifferenceError: GATE,
    errors.AbsentError: ABSENT,
    errors.NotServedError: ABSENT,
    job_errors.UnknownJobError: ABSENT,
    errors.UnknownApplicationError: ABSENT,
    errors.UnknownModelError: ABSENT,
    errors.UnknownVersionError: ABSENT,
    errors.UnknownLinkError: ABSENT,
    image_errors.UnknownImageError: ABSENT,
    errors.ConflictError: CONFLICT,
    errors.ApplicationExistsError: CONFLICT,
    errors.VersionExistsError: CONFLICT,
    errors.VersionContentError: CONFLICT,
    errors.LinkExistsError: CONFLICT,
    errors.ContainerlessModelError: CONFLICT,
    errors.StaleWriteError: CONFLICT,
    errors.EngineRunningError: CONFLICT,
    errors.PortInUseError: CONFLICT,
    errors.RefusedError: REFUSED,
    errors.UntrustedBundleError: REFUSED,
    errors.UnauthorizedError: REFUSED,
    errors.ForbiddenError: REFUSED,
    image_errors.RegistryRefusedError: REFUSED,
    errors.ModelError: FAILED,
    errors.EnvironmentBuildError: FAILED,
    image_errors.ImageBuildError: FAILED,
    image_errors.ImageTooLargeError: FAILED,
    errors.ModelStartError: FAILED,
    errors.ModelStartTimeoutError: TIMEOUT,
    errors.PredictionFailedError: FAILED,
    job_errors.JobFailedError: FAILED,
    job_errors.JobExpiredError: TIMEOUT,
    errors.PredictionTimeoutError: TIMEOUT,
    errors.NoReplicaError: FAILED,
    errors.StoreError: FAILED,
    errors.StorageFullError: FAILED,
    errors.StoreUnavailableError: FAILED,
    image_errors.ImageRegistryError: FAILED,
    image_errors.ContainerEngineError: FAILED,
    aws_errors.AwsError: CLOUD,
    aws_errors.AwsUnreachableError: CLOUD,
    aws_errors.AwsThrottledError: CLOUD,
    aws_errors.AwsAccessDeniedError: CLOUD,
    aws_errors.AwsCredentialsError: CLOUD,
    aws_errors.BundleUploadError: REFUSED,
    aws_errors.AwsQuotaError: CLOUD,
    aws_errors.AwsResourceAbsentError: ABSENT,
    aws_errors.FunctionFailedError: CLOUD,
    errors.UnconnectedError: FAILED,
    errors.EngineStartError: FAILED,
    errors.RequestFailedError: FAILED,
}


def exit_code_of(error: type[errors.ClipperError]) -> int:
    """The code that a command ends with after an error of exactly this class."""
    return EXIT_CODE_OF[error]
