"""Settles what skops leaves to chance, so that an equal model gives equal bytes in every process.

skops names objects and files by where they lay in memory, and its archive says when it was written.
"""

import io
import json
from pathlib import PurePosixPath
from typing import Any
from zipfile import ZipFile, ZipInfo

SCHEMA = "schema.json"


def settled(archive: bytes) -> bytes:
    """The same model: identities and files numbered as they come, no times."""
    with ZipFile(io.BytesIO(archive)) as before:
        files = set(before.namelist()) - {SCHEMA}
        numbers: dict[int, int] = {}
        names: dict[str, str] = {}
        schema = _renamed(json.loads(before.read(SCHEMA)), files, numbers, names)
        after = io.BytesIO()
        with ZipFile(after, "w") as written:
            written.writestr(ZipInfo(SCHEMA), json.dumps(schema, separators=(",", ":")))
            for old, new in names.items():
                written.writestr(ZipInfo(new), before.read(old))
    return after.getvalue()


def _renamed(value: Any, files: set[str], numbers: dict[int, int], names: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_renamed(item, files, numbers, names) for item in value]
    if not isinstance(value, dict):
        return value
    renamed: dict[str, Any] = {}
    for key, item in value.items():
        if key == "__id__" and isinstance(item, int):
            renamed[key] = numbers.setdefault(item, len(numbers) + 1)
        elif isinstance(item, str) and item in files:
            renamed[key] = names.setdefault(item, f"{len(names)}{PurePosixPath(item).suffix}")
        else:
            renamed[key] = _renamed(item, files, numbers, names)
    return renamed
