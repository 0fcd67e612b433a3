"""Licences and digests of packages: from what their wheels say, and from what an index offers.

The digest is that of the wheel with the very tags of the one that is installed, so that wheels which are added to a
release later change nothing.
"""

import tomllib
from collections.abc import Mapping, Sequence
from email.message import Message
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.tags import Tag, parse_tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from clipper_sls.domain.image.bill_of_materials import Package

Offered = Mapping[str, Sequence[tuple[frozenset[Tag], str]]]
"""By canonical name the wheels of the release that was chosen: their tags, and their SHA-256."""

_MAX_LICENSE_LENGTH = 80
"""Some put all of the text there."""

_LICENSE_CLASSIFIER = "License ::"


def package_of(info: Path, key: str, offered: Offered) -> Package:
    """The package of the `.dist-info` folder `info`, which is called `key`, "name version"."""
    name, _, version = key.partition(" ")
    canonical = canonicalize_name(name)
    tags = frozenset(tag for text in _fields(info / "WHEEL").get_all("Tag", ()) for tag in parse_tag(str(text)))
    digests = {sha256 for candidate, sha256 in offered.get(canonical, ()) if candidate == tags}
    return Package(
        canonical,
        version,
        license_in(_fields(info / "METADATA")),
        digests.pop() if len(digests) == 1 else "",
    )


def license_in(fields: "Message[str, str]") -> str:
    """An SPDX expression (PEP 639), or what came before there were any."""
    if expression := fields.get("License-Expression"):
        return str(expression).strip()
    text = str(fields.get("License", "")).strip()
    if text and "\n" not in text and len(text) <= _MAX_LICENSE_LENGTH and text.upper() != "UNKNOWN":
        return text
    classified = (str(value) for value in fields.get_all("Classifier", ()))
    names = sorted(value.rpartition("::")[2].strip() for value in classified if value.startswith(_LICENSE_CLASSIFIER))
    return ", ".join(names)


def offered_wheels(lock: str) -> Offered:
    """From the text of a lock (`pylock.toml`, PEP 751)."""
    found: dict[str, list[tuple[frozenset[Tag], str]]] = {}
    for package in tomllib.loads(lock).get("packages", ()):
        wheels = [_wheel(wheel) for wheel in package.get("wheels", ())]
        found[canonicalize_name(package["name"])] = [wheel for wheel in wheels if wheel is not None]
    return found


def _wheel(wheel: Mapping[str, Any]) -> tuple[frozenset[Tag], str] | None:
    """None for one of which nothing is told."""
    name = wheel.get("name") or unquote(urlsplit(wheel.get("url", "")).path).rpartition("/")[2]
    sha256 = wheel.get("hashes", {}).get("sha256", "")
    try:
        return (parse_wheel_filename(name)[3], sha256) if sha256 else None
    except InvalidWheelFilename:
        return None


def _fields(path: Path) -> "Message[str, str]":
    try:
        return BytesHeaderParser().parsebytes(path.read_bytes())
    except OSError:
        return Message()
