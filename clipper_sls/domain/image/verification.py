"""What the verifying of an image has found, part by part."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from clipper_sls.image_errors import ImageDifferenceError

MAX_NAMED = 5


class Outcome(StrEnum):
    AGREES = "agrees"
    DIFFERS = "differs"
    NOT_COMPARED = "not compared"


@dataclass(frozen=True, slots=True)
class Check:
    """`part` is of the image, "layer code"; `detail` says what differs, or why it was not compared."""

    part: str
    outcome: Outcome
    detail: str = ""


@dataclass(slots=True)
class Verification:
    """Grows while an image is looked at."""

    image: str
    digest: str
    checks: list[Check] = field(default_factory=list)

    def add(self, part: str, outcome: Outcome, detail: str = "") -> None:
        self.checks.append(Check(part, outcome, detail))

    def equal(self, part: str, found: object, expected: object) -> None:
        if found == expected:
            return self.add(part, Outcome.AGREES)
        return self.add(part, Outcome.DIFFERS, f"it is {found or 'nothing'}, and should be {expected or 'nothing'}")

    @property
    def differences(self) -> list[Check]:
        return [check for check in self.checks if check.outcome is Outcome.DIFFERS]

    def raise_for_differences(self) -> None:
        """Raises ImageDifferenceError."""
        found = self.differences
        if found:
            told = "; ".join(f"{check.part}: {check.detail}" for check in found[:MAX_NAMED])
            more = f"; and {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else ""
            raise ImageDifferenceError(f"The image {self.image} is not what it says. {told}{more}")


Contents = Mapping[str, str]
"""By path in a layer what stands for its content and mode."""


def differing(found: Contents, expected: Contents) -> str:
    """The paths in which two layers differ, for people; "" when they do not."""
    parts = [
        *_named("changed", (path for path in found if expected.get(path, found[path]) != found[path])),
        *_named("added", found.keys() - expected.keys()),
        *_named("missing", expected.keys() - found.keys()),
    ]
    return "; ".join(parts)


def _named(kind: str, paths: Iterable[str]) -> list[str]:
    named = sorted(paths)
    more = f" and {len(named) - MAX_NAMED} more" if len(named) > MAX_NAMED else ""
    return [f"{kind}: {', '.join(named[:MAX_NAMED])}{more}"] if named else []
