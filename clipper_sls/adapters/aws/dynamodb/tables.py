"""The tables of a stack: their keys, and the attribute by which AWS removes items that are too old.

What the template declares is held against this by a test; tests create their tables from it.
"""

from dataclasses import dataclass
from enum import StrEnum

from clipper_sls.domain.functions.names import StackNames


class KeyType(StrEnum):
    """DynamoDB's names of the types that a key may have here."""

    TEXT = "S"
    BINARY = "B"


@dataclass(frozen=True, slots=True)
class KeyAttribute:
    """One of at most two attributes that make an item's key."""

    name: str
    type: KeyType


@dataclass(frozen=True, slots=True)
class Table:
    """On demand, that is to say without capacity to be set; `ttl` names the attribute that holds seconds since 1970."""

    partition: KeyAttribute
    sort: KeyAttribute | None = None
    ttl: str | None = None
    is_recoverable: bool = True  # to a point in time; what can be asked of a model again need not be

    @property
    def keys(self) -> tuple[KeyAttribute, ...]:
        return (self.partition,) if self.sort is None else (self.partition, self.sort)


TTL_ATTRIBUTE = "expires_at"

REGISTRY = Table(KeyAttribute("partition", KeyType.TEXT), KeyAttribute("item", KeyType.TEXT))
SELECTION = Table(KeyAttribute("partition", KeyType.TEXT), KeyAttribute("item", KeyType.TEXT))
CACHE = Table(KeyAttribute("key", KeyType.BINARY), ttl=TTL_ATTRIBUTE, is_recoverable=False)
JOBS = Table(KeyAttribute("job", KeyType.TEXT), KeyAttribute("item", KeyType.TEXT), ttl=TTL_ATTRIBUTE)


def tables(names: StackNames) -> dict[str, Table]:
    """Every table of a stack, by its name."""
    return {
        names.registry_table: REGISTRY,
        names.selection_table: SELECTION,
        names.cache_table: CACHE,
        names.jobs_table: JOBS,
    }


def creation(name: str, table: Table) -> dict[str, object]:
    """What `CreateTable` is asked, as its JSON; the TTL is set by `expiry`, once the table is there."""
    kinds = ("HASH", "RANGE")
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": key.name, "AttributeType": str(key.type)} for key in table.keys],
        "KeySchema": [
            {"AttributeName": key.name, "KeyType": kind} for key, kind in zip(table.keys, kinds, strict=False)
        ],
    }


def expiry(name: str, table: Table) -> dict[str, object] | None:
    """What `UpdateTimeToLive` is asked; None for a table whose items stay."""
    if table.ttl is None:
        return None
    return {"TableName": name, "TimeToLiveSpecification": {"Enabled": True, "AttributeName": table.ttl}}
