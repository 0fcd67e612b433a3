"""What pydantic found wrong, as sentences."""

from collections.abc import Set as AbstractSet
from typing import Any


def sentence(detail: Any, secrets: AbstractSet[str] = frozenset()) -> str:
    """`setting 'port' (-1): Input should be ...`; the value of one of `secrets` is not shown."""
    name = ".".join(str(part) for part in detail["loc"])
    given = "" if name in secrets else f" ({detail['input']!r})"
    return f"setting '{name}'{given}: {detail['msg']}"
