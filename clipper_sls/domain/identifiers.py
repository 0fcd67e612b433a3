"""Names, validated once on construction, so that whoever holds one need not check it again.

The rule is Clipper's: lower-case letters, digits and inner dashes. Model names end up in image tags, function names
and file paths, and all of them take this alphabet. Our addition is a length limit.
"""

import re
from typing import NamedTuple, Self

from clipper_sls.errors import InvalidNameError

MAX_NAME_LENGTH = 63
"""Room for prefixes within the 64 characters of an AWS function name and the 63 of a DNS label."""

_REFUSED_CHARACTERS = (",", ":")


def _checked(value: str, what: str, inner: str) -> str:
    if any(character in value for character in _REFUSED_CHARACTERS):
        listed = ", ".join(f"'{character}'" for character in _REFUSED_CHARACTERS)
        raise InvalidNameError(f"Invalid {what} supplied: {shortened(value)!r}. Contains one of: {listed}")
    if len(value) > MAX_NAME_LENGTH:
        raise InvalidNameError(
            f"Invalid {what} supplied: {shortened(value)!r} has {len(value)} characters; at most "
            f"{MAX_NAME_LENGTH} are allowed"
        )
    if not re.fullmatch(rf"[a-z0-9]([{inner}a-z0-9]*[a-z0-9])?", value):
        listed = " or ".join(f"'{character}'" for character in inner)
        raise InvalidNameError(
            f"Invalid {what} supplied: {shortened(value)!r}. It must consist of lower case alphanumeric characters "
            f"or {listed}, and must start and end with an alphanumeric character"
        )
    return value


def shortened(value: str, limit: int = 80) -> str:
    """`value`, cut to about `limit` characters for a message."""
    return value if len(value) <= limit else f"{value[: limit - 1]}…"


class _Name(str):
    """A string that keeps the naming rule."""

    __slots__ = ()
    what = "name"
    inner = "-"

    def __new__(cls, value: str) -> Self:
        return super().__new__(cls, _checked(str(value), cls.what, cls.inner))

    @classmethod
    def sought(cls, value: str) -> Self:
        """A name only to be looked up: one that breaks the rule is found nowhere, and needs no error of its own."""
        return str.__new__(cls, value)


class AppName(_Name):
    """The name of an application. It ends up in URLs only, so it may hold underscores too, as Clipper's did."""

    __slots__ = ()
    what = "application name"
    inner = "-_"


class ModelName(_Name):
    """The name of a model."""

    __slots__ = ()
    what = "model name"


class Version(_Name):
    """The version of a model: any name, a number for most. Unique within its model."""

    __slots__ = ()
    what = "model version"


class ModelId(NamedTuple):
    """One version of one model; prints as Clipper prints it, `name:version`. A tuple, because hashing one is cheap."""

    name: ModelName
    version: Version

    @classmethod
    def of(cls, name: str, version: object) -> "ModelId":
        """Validate both parts; the version may be of any type that prints as a name."""
        return cls(ModelName(name), Version(str(version)))

    @classmethod
    def sought(cls, name: str, version: object) -> "ModelId":
        """An identity only to be looked up."""
        return cls(ModelName.sought(name), Version.sought(str(version)))

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"
