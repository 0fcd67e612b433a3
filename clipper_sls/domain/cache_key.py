"""The key under which a prediction is cached: 256 bits, so that two inputs never share an answer by accident.

The bundle's digest is in the key, not only its name and version, so a version that was deleted and deployed again with
other content is never answered from the old one's entries.
"""

import hashlib
from typing import NewType

from clipper_sls.domain.query import PackedRow
from clipper_sls.domain.records import ModelVersion

CacheKey = NewType("CacheKey", bytes)

SCHEMA_VERSION = b"1"


def cache_key(version: ModelVersion, row: PackedRow) -> CacheKey:
    """SHA-256 over the schema, the version's identity and type, and the packed row."""
    digest = hashlib.sha256(SCHEMA_VERSION)
    for part in (str(version.id), version.bundle_digest or "", version.input_type.value):
        digest.update(b"\0" + part.encode())
    digest.update(b"\0" + row)
    return CacheKey(digest.digest())
