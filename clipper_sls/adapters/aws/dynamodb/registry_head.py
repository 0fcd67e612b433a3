"""The one item of a registry that changes: which revision it is at, and which pages that is. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clipper_sls.adapters.aws.dynamodb.registry_pages import Pages, records_of
from clipper_sls.domain.records import RegistrySnapshot

MAX_COMMITS = 32
"""How many of the newest commits a head names, so that one whose answer was lost finds out whether it was made."""


@dataclass(frozen=True, slots=True)
class Head:
    """`commits` are the ids of the newest ones, the newest last; `pages` are names, in the order of their records."""

    revision: int
    commits: tuple[str, ...]
    pages: tuple[str, ...]

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> "Head":
        """The inverse of `fields`. Raises KeyError, TypeError or ValueError for what is no head."""
        commits, pages = (tuple(str(text["S"]) for text in item[name]["L"]) for name in ("commits", "pages"))
        if commits[-1:] != (item["commit"]["S"],):
            raise ValueError("it does not end with its own commit")
        return cls(int(item["revision"]["N"]), commits, pages)

    @property
    def commit(self) -> str:
        """The id of the commit that made it; empty when there was none."""
        return self.commits[-1] if self.commits else ""

    def moved(self, commit: str, pages: Sequence[str]) -> "Head":
        return Head(self.revision + 1, (*self.commits, commit)[-MAX_COMMITS:], tuple(pages))

    def fields(self) -> dict[str, Any]:
        return {
            "revision": {"N": str(self.revision)},
            "commit": {"S": self.commit},
            "commits": {"L": [{"S": commit} for commit in self.commits]},
            "pages": {"L": [{"S": page} for page in self.pages]},
        }


EMPTY = Head(0, (), ())


@dataclass(frozen=True, slots=True)
class State:
    """What a registry held at one moment."""

    head: Head
    pages: Pages
    snapshot: RegistrySnapshot = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "snapshot", RegistrySnapshot.of(self.head.revision, records_of(self.pages)))
