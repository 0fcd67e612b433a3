"""What makes a published version of a model's function what it is. Pure.

Two published versions of equal content answer the same, whoever published them and in which order: that is how the
one of a model version is found again after a crash.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from clipper_sls.domain.identifiers import shortened
from clipper_sls.domain.image.platforms import Platform
from clipper_sls.errors import InvalidSettingError

MIN_MEMORY_MIB, MAX_MEMORY_MIB = 128, 10_240
MAX_TIMEOUT_S = 900
MAX_ENVIRONMENT_BYTES = 4096
"""Limits of AWS Lambda ("Lambda quotas")."""

BUNDLE_DIGEST_VARIABLE = "CLIPPER_BUNDLE_DIGEST"
"""Says which bundle the image holds. The replica compares it with the bundle that it finds."""

_VARIABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]+")
_RESERVED_PREFIXES = ("AWS_", "_", "LAMBDA_")
_BY_DIGEST = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")


class Architecture(StrEnum):
    """As Lambda calls it."""

    X86_64 = "x86_64"
    ARM64 = "arm64"

    @property
    def platform(self) -> Platform:
        return {Architecture.X86_64: Platform.AMD64, Architecture.ARM64: Platform.ARM64}[self]

    @classmethod
    def parse(cls, text: str) -> "Architecture":
        """Raises InvalidSettingError."""
        try:
            return cls(text)
        except ValueError:
            raise InvalidSettingError(f"architecture {text!r} is not one of {', '.join(cls)}") from None


@dataclass(frozen=True, slots=True)
class FunctionContent:
    """Code and configuration. Raises InvalidSettingError for what Lambda does not take."""

    image: str  # by digest: a tag that is moved publishes nothing
    role: str  # ARN of the execution role
    memory_mib: int
    timeout_s: int
    architecture: Architecture = Architecture.X86_64
    environment: Mapping[str, str] = field(default_factory=dict)
    snap_start: bool = False

    @property
    def bundle_digest(self) -> str | None:
        """64 hex digits; None when whoever made the function did not say."""
        return self.environment.get(BUNDLE_DIGEST_VARIABLE)

    def with_image(self, image: str) -> "FunctionContent":
        return replace(self, image=image)

    def checked(self) -> "FunctionContent":
        """Itself, if Lambda takes it; what is read from Lambda need not be checked."""
        if not _BY_DIGEST.fullmatch(self.image):
            raise InvalidSettingError(f"The image {shortened(self.image)!r} of a function must be named by digest")
        if not MIN_MEMORY_MIB <= self.memory_mib <= MAX_MEMORY_MIB:
            raise InvalidSettingError(
                f"The memory of a function must be {MIN_MEMORY_MIB} to {MAX_MEMORY_MIB} MiB, not {self.memory_mib}"
            )
        if not 1 <= self.timeout_s <= MAX_TIMEOUT_S:
            raise InvalidSettingError(f"The timeout of a function must be 1 to {MAX_TIMEOUT_S} s, not {self.timeout_s}")
        _check_environment(self.environment)
        return self


def _check_environment(environment: Mapping[str, str]) -> None:
    for name in environment:
        if not _VARIABLE_NAME.fullmatch(name) or name.startswith(_RESERVED_PREFIXES):
            raise InvalidSettingError(
                f"{shortened(name)!r} cannot be an environment variable of a function: a letter, then more "
                f"letters, digits or '_', and no name that begins with {', '.join(_RESERVED_PREFIXES)}"
            )
    size_bytes = sum(len(name.encode()) + len(value.encode()) for name, value in environment.items())
    if size_bytes > MAX_ENVIRONMENT_BYTES:
        raise InvalidSettingError(
            f"The environment of a function may have {MAX_ENVIRONMENT_BYTES} bytes, and this has {size_bytes}. Put "
            f"large values into the model's bundle"
        )
