"""A model version as AWS Lambda knows it. Pure."""

from dataclasses import dataclass, replace

CURRENT_ALIAS = "current"


@dataclass(frozen=True, slots=True)
class PublishedFunction:
    """One published version of a model's function."""

    name: str  # of the function, without a qualifier
    number: str  # of the published version, "7": what `ExecutedVersion` says
    alias: str  # which to invoke: the version's own, or `current` where it answers as the current one

    def as_current(self) -> "PublishedFunction":
        """The same, asked through the alias that a rollback moves."""
        return replace(self, alias=CURRENT_ALIAS)
