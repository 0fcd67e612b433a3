"""The key under which a prediction is cached: 256 bits, so that two inputs never share an answer by accident.

The bundle's digest is in the key, not only its name and version, so a version that was deleted and deployed again with
other content is never answered from the old one's entries. So is the age that its outputs may have: one that comes back
with a shorter one finds nothing that was kept for longer.
"""

import hashlib
from functools import lru_cache
from typing import NewType

from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.query import PackedRow
from clipper_sls.domain.records import ModelVersion

CacheKey = NewType("CacheKey", bytes)

SCHEMA_VERSION = b"1"


def cache_key(version: ModelVersion, row: PackedRow) -> CacheKey:
    """SHA-256 over the schema, the version's identity, type and TTL, and the packed row."""
    space = _space(version.id, version.content, version.input_type, version.serving.cache_ttl_s)
    return CacheKey(hashlib.sha256(space + row).digest())


@lru_cache(maxsize=1024)
def _space(model: ModelId, content: str, input_type: InputType, ttl_s: float | None) -> bytes:
    """What all keys of a version begin with; no part holds a zero byte."""
    parts = (str(model), content, input_type, "" if ttl_s is None else repr(ttl_s), "")
    return b"\0".join((SCHEMA_VERSION, *(part.encode() for part in parts)))
