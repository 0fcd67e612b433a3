"""Settings of the handlers on AWS: `CLIPPER_SLS_*` variables of their functions, which the template sets.

Read without pydantic, whose import would take a good part of a cold start.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Self

from clipper_sls.domain.functions.names import StackNames
from clipper_sls.errors import InvalidNameError, InvalidSettingError

PREFIX = "CLIPPER_SLS_"


class SecondCache(StrEnum):
    """Where outputs are kept beside the memory of one environment."""

    NONE = "none"
    DYNAMODB = "dynamodb"
    ELASTICACHE = "elasticache"


class LogLevel(StrEnum):
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class Switch(StrEnum):
    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerSettings:
    """Numbers carry their unit in the name. `stack_name` is the one that must be given."""

    stack_name: str
    payload_bucket: str = ""  # what is too large for Lambda goes through it; empty: it fails
    query_url: str = ""  # told to whoever asks the management API
    management_url: str = ""
    jobs_max_receives: int = 7  # then a message is a dead letter
    cache: SecondCache = SecondCache.NONE
    cache_url: str = ""  # with SecondCache.ELASTICACHE: rediss://host:port
    cache_mib: int = 64  # of the first cache; 0 switches it off
    objective_ms: int = 3_000  # of requests that name a model
    max_batch_rows: int = 10_000
    registry_max_age_ms: int = 500  # a snapshot that is older is looked after
    warm_up_concurrency: int = 1
    log_level: LogLevel = LogLevel.INFO
    tracing: Switch = Switch.OFF

    @classmethod
    def load(cls, environment: Mapping[str, str]) -> Self:
        """Raises InvalidSettingError, also for a name with our prefix that is no setting: it is a misspelt one."""
        known = {f"{PREFIX}{field.name.upper()}": field for field in fields(cls)}
        unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
        if unknown:
            raise InvalidSettingError(f"There is no setting {', '.join(unknown)}; known are {', '.join(sorted(known))}")
        if f"{PREFIX}STACK_NAME" not in environment:
            raise InvalidSettingError(f"{PREFIX}STACK_NAME is not set; it is the name of the stack from template.yaml")
        given = {
            field.name: _read(name, _READERS[field.type], environment[name])
            for name, field in known.items()
            if name in environment
        }
        return cls(**given)

    @property
    def names(self) -> StackNames:
        """Of the stack's resources. Raises InvalidSettingError."""
        try:
            return StackNames(self.stack_name)
        except InvalidNameError as error:
            raise InvalidSettingError(f"{PREFIX}STACK_NAME: {error.msg}") from error


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


_READERS: Mapping[Any, Callable[[str], Any]] = {
    str: str,
    int: _count,
    **{kind: kind for kind in (SecondCache, LogLevel, Switch)},
}


def _read(name: str, reader: Callable[[str], Any], text: str) -> Any:
    try:
        return reader(text)
    except ValueError:
        wanted = ", ".join(reader) if isinstance(reader, type) and issubclass(reader, StrEnum) else "a number from 0 on"
        raise InvalidSettingError(f"setting {name} ({text!r}): expected is {wanted}") from None
