"""What can be done to bring a model version onto AWS Lambda, one thing a step. Pure.

A step says what there shall be, and not from what it starts; doing it twice does no more than doing it once. It prints
as one line, and as JSON. Values of environment variables, which may be secrets, are in neither.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from clipper_sls.domain.deployment.content import FunctionContent
from clipper_sls.domain.identifiers import ModelId


@dataclass(frozen=True, slots=True)
class _Step(ABC):
    kind: ClassVar[str]

    @property
    @abstractmethod
    def text(self) -> str:
        """The line for people."""

    def to_json(self) -> dict[str, Any]:
        """The same for programs."""
        shown: dict[str, Any] = {"step": self.kind}
        for field in fields(self):
            shown[field.name] = _shown(getattr(self, field.name))
        return shown


def _shown(value: Any) -> Any:
    match value:
        case FunctionContent():
            return settings_of(value)
        case ModelId():
            return {"name": str(value.name), "version": str(value.version)}
        case tuple():
            return [str(item) for item in value]
        case _:
            return value


def settings_of(content: FunctionContent) -> dict[str, Any]:
    """All of `content`, but of the environment only the names."""
    return {
        "image": content.image,
        "role": content.role,
        "memory_mib": content.memory_mib,
        "timeout_s": content.timeout_s,
        "architecture": content.architecture.value,
        "environment": sorted(content.environment),
        "snap_start": content.snap_start,
    }


@dataclass(frozen=True, slots=True)
class PublishImage(_Step):
    """The image goes where Lambda can fetch it."""

    kind = "publish_image"
    image: str

    @property
    def text(self) -> str:
        return f"publish the image {self.image}"


@dataclass(frozen=True, slots=True)
class CreateFunction(_Step):
    """The model's first version."""

    kind = "create_function"
    function: str
    content: FunctionContent

    @property
    def text(self) -> str:
        content = self.content
        snap_start = ", SnapStart" if content.snap_start else ""
        return (
            f"create the function {self.function} ({content.memory_mib} MiB, {content.timeout_s} s, "
            f"{content.architecture}{snap_start})"
        )


@dataclass(frozen=True, slots=True)
class UpdateCode(_Step):
    """The image that is published next."""

    kind = "update_code"
    function: str
    content: FunctionContent

    @property
    def text(self) -> str:
        return f"update the code of {self.function} to {self.content.image.rpartition('@')[2]}"


@dataclass(frozen=True, slots=True)
class UpdateConfiguration(_Step):
    """The configuration that is published next."""

    kind = "update_configuration"
    function: str
    content: FunctionContent
    changed: tuple[str, ...]  # names of settings

    @property
    def text(self) -> str:
        return f"update the configuration of {self.function}: {', '.join(self.changed)}"


@dataclass(frozen=True, slots=True)
class WaitUntilReady(_Step):
    """Until Lambda has done with the last change of what is published next."""

    kind = "wait_until_ready"
    function: str

    @property
    def text(self) -> str:
        return f"wait until {self.function} is active"


@dataclass(frozen=True, slots=True)
class PublishVersion(_Step):
    kind = "publish_version"
    function: str
    model: ModelId

    @property
    def text(self) -> str:
        return f"publish a version of {self.function}"


@dataclass(frozen=True, slots=True)
class WaitForVersion(_Step):
    """Until the published version can be invoked: with SnapStart its snapshot is taken before."""

    kind = "wait_for_version"
    function: str

    @property
    def text(self) -> str:
        return f"wait until the published version of {self.function} is active"


@dataclass(frozen=True, slots=True)
class PointAlias(_Step):
    """`number` is None where the version has not been published yet."""

    kind = "point_alias"
    function: str
    alias: str
    number: str | None

    @property
    def text(self) -> str:
        return f"point the alias {self.alias} of {self.function} at {_version(self.number)}"


@dataclass(frozen=True, slots=True)
class ReserveConcurrency(_Step):
    kind = "reserve_concurrency"
    function: str
    most: int | None

    @property
    def text(self) -> str:
        if self.most is None:
            return f"remove the limit of {self.function}'s concurrency"
        return f"reserve a concurrency of {self.most} for {self.function}"


@dataclass(frozen=True, slots=True)
class ProvisionConcurrency(_Step):
    kind = "provision_concurrency"
    function: str
    number: str | None
    count: int

    @property
    def text(self) -> str:
        if not self.count:
            return f"keep nothing ready for {_version(self.number)} of {self.function}"
        return f"keep {self.count} ready for {_version(self.number)} of {self.function}"


@dataclass(frozen=True, slots=True)
class WaitForProvisioned(_Step):
    kind = "wait_for_provisioned"
    function: str

    @property
    def text(self) -> str:
        return f"wait until they are ready for {self.function}"


@dataclass(frozen=True, slots=True)
class Register(_Step):
    """The management application registers the version, points `current` at it, and commits both."""

    kind = "register"
    model: ModelId

    @property
    def text(self) -> str:
        return f"register {self.model} and make it current"


def _version(number: str | None) -> str:
    return "the published version" if number is None else f"version {number}"


Step = (
    PublishImage
    | CreateFunction
    | UpdateCode
    | UpdateConfiguration
    | WaitUntilReady
    | PublishVersion
    | WaitForVersion
    | PointAlias
    | ReserveConcurrency
    | ProvisionConcurrency
    | WaitForProvisioned
    | Register
)
