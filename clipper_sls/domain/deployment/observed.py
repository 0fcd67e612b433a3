"""A model's function as AWS Lambda shows it at one moment. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from clipper_sls.domain.deployment.content import FunctionContent


class Readiness(StrEnum):
    """Whether Lambda has done with what it was told."""

    READY = "ready"
    PENDING = "pending"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Latest:
    """What is published next: `$LATEST`, the only version that can be changed."""

    content: FunctionContent
    revision: str  # changes with every change
    code_sha256: str
    readiness: Readiness
    reason: str = ""  # why it failed, in Lambda's words


@dataclass(frozen=True, slots=True)
class Published:
    """A published version, which never changes."""

    number: str
    content: FunctionContent
    readiness: Readiness
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WeightedNumber:
    """A second published version behind an alias, and its share of the invocations."""

    number: str
    weight: float  # 0 to 1


@dataclass(frozen=True, slots=True)
class Alias:
    """A name that leads to a published version, and for some of the invocations to a second one."""

    name: str
    number: str
    revision: str
    canary: WeightedNumber | None = None


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Execution environments that are kept ready for one published version."""

    requested: int
    readiness: Readiness
    ready: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ObservedFunction:
    """All of one function but what it holds ready."""

    name: str
    latest: Latest
    published: tuple[Published, ...] = ()  # by number
    aliases: Mapping[str, Alias] = field(default_factory=dict)
    reserved: int | None = None  # most invocations at one time, of all versions together; None when nothing is reserved

    def matching(self, content: FunctionContent) -> Published | None:
        """The published version of this content; the first one if several have it."""
        return next((one for one in self.published if one.content == content), None)

    def numbered(self, number: str) -> Published | None:
        return next((one for one in self.published if one.number == number), None)
