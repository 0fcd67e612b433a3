"""Every error of clipper-sls, and nothing about HTTP or exit codes.

Below ClipperError are six kinds: InvalidError, AbsentError, ConflictError, RefusedError, ModelError and StoreError.

`code` is stable and travels over HTTP; the HTTP status of each class stands in `clipper_sls.http.error_map`, its exit
code in `clipper_sls.cli.exit_codes`. A message says what failed, on what, and what to try.
"""

from typing import ClassVar


class ClipperError(Exception):
    """Anything that clipper-sls raises on purpose. Exported as `ClipperException`, Clipper's name."""

    code: ClassVar[str] = "error"

    def __init__(self, msg: str, *args: object) -> None:
        super().__init__(msg, *args)
        self.msg = msg

    def __str__(self) -> str:
        return self.msg


class InvalidError(ClipperError):
    """What was sent is wrong; the sender can mend it."""

    code = "invalid"


class MalformedRequestError(InvalidError):
    """The body is not JSON, not an object, or lacks a required key."""

    code = "malformed_request"


class InvalidInputError(InvalidError):
    """An input is not of the application's type."""

    code = "invalid_input"


class InvalidNameError(InvalidError):
    """A name breaks the naming rule."""

    code = "invalid_name"


class InvalidSettingError(InvalidError):
    """A number or option is out of its range."""

    code = "invalid_setting"


class IncompatibleInputTypeError(InvalidError):
    """A model and an application linked to it would have different input types."""

    code = "incompatible_input_type"


class RequestTooLargeError(InvalidError):
    """A body has more bytes or rows, or is nested deeper, than the server takes."""

    code = "request_too_large"


class RequestedVersionError(InvalidError):
    """A query pins a version that the application's model does not have."""

    code = "requested_version_unknown"


class InvalidBundleError(InvalidError):
    """A bundle is not a readable archive, or its manifest is not one."""

    code = "invalid_bundle"


class BundleDigestError(InvalidError):
    """The content of a bundle is not what its digest says."""

    code = "bundle_digest_mismatch"


class UnpicklableError(InvalidError):
    """A function or a model cannot be packed; the message names what is in the way."""

    code = "unpicklable"


class UnsupportedImageError(InvalidError):
    """An image was named that this container manager cannot run."""

    code = "unsupported_image"


class AbsentError(ClipperError):
    """A name leads nowhere."""

    code = "absent"


class NotServedError(AbsentError):
    """A name in a URL leads nowhere."""

    code = "not_served"


class UnknownApplicationError(AbsentError):
    """A request body names an application that is not registered."""

    code = "unknown_application"


class UnknownModelError(AbsentError):
    """A request body names a model that is not registered."""

    code = "unknown_model"


class UnknownVersionError(AbsentError):
    """A request body names a model version that is not registered."""

    code = "unknown_version"


class UnknownLinkError(AbsentError):
    """The application is not linked to the model."""

    code = "unknown_link"


class ConflictError(ClipperError):
    """It clashes with what is there already."""

    code = "conflict"


class ApplicationExistsError(ConflictError):
    """The application's name is taken."""

    code = "application_exists"


class VersionExistsError(ConflictError):
    """The model version is registered already, with the same content."""

    code = "version_exists"


class VersionContentError(ConflictError):
    """The model version is registered already, with other content or other options."""

    code = "version_content_differs"


class LinkExistsError(ConflictError):
    """The application is linked to a model already."""

    code = "link_exists"


class ContainerlessModelError(ConflictError):
    """The version runs outside clipper-sls, so its replicas are not ours to change."""

    code = "containerless_model"


class StaleWriteError(ConflictError):
    """Somebody else wrote first; read again and decide again."""

    code = "stale_write"


class EngineRunningError(ConflictError):
    """Another engine holds the state directory or the cluster's name."""

    code = "engine_running"


class PortInUseError(ConflictError):
    """A port to listen on is taken."""

    code = "port_in_use"


class RefusedError(ClipperError):
    """The caller may not do that."""

    code = "refused"


class UntrustedBundleError(RefusedError):
    """A bundle is not signed, or not by anybody who is trusted here, or its signature is wrong."""

    code = "bundle_not_trusted"


class UnauthorizedError(RefusedError):
    """The bearer token is missing or wrong."""

    code = "unauthorized"


class ForbiddenError(RefusedError):
    """The request comes from where none may come, a web page for one."""

    code = "forbidden"


class ModelError(ClipperError):
    """The model or its environment failed."""

    code = "model_error"


class EnvironmentBuildError(ModelError):
    """The version's own environment could not be built."""

    code = "environment_build_failed"


class ModelStartError(ModelError):
    """A replica ended before it was ready; the message carries the end of its log."""

    code = "model_start_failed"


class ModelStartTimeoutError(ModelError):
    """A replica was not ready in time; the message carries the end of its log."""

    code = "model_start_timeout"


class PredictionFailedError(ModelError):
    """The model raised, or answered what is not an answer, and there is no default to give."""

    code = "prediction_failed"


class PredictionTimeoutError(ModelError):
    """No answer before the deadline, and there is no default to give."""

    code = "prediction_timeout"


class NoReplicaError(ModelError):
    """No replica can answer, and there is no default to give."""

    code = "no_replica"


class StoreError(ClipperError):
    """Something that must be kept could not be."""

    code = "store_error"


class StorageFullError(StoreError):
    """No space is left; nothing of the change was kept."""

    code = "storage_full"


class StoreUnavailableError(StoreError):
    """The store does not answer, or its content cannot be read."""

    code = "store_unavailable"


class UnconnectedError(ClipperError):
    """No connection to a cluster. Exported as `UnconnectedException`; the standing message is Clipper's, too."""

    code = "unconnected"
    standing_msg = (
        "No connection to Clipper cluster. Call ClipperConnection.connect to connect to an existing cluster or "
        "ClipperConnnection.start_clipper to create a new one"
    )

    def __init__(self, msg: str = standing_msg, *args: object) -> None:
        super().__init__(msg, *args)
        self.message = msg


class EngineStartError(ClipperError):
    """The engine did not get ready."""

    code = "engine_start_failed"


class RequestFailedError(ClipperError):
    """A request failed in a way that has no class of its own here."""

    code = "request_failed"


def error_classes(root: type[ClipperError] = ClipperError) -> tuple[type[ClipperError], ...]:
    """Every class of the tree, parents before children."""
    return (root, *(cls for child in root.__subclasses__() for cls in error_classes(child)))
