"""What a layer's descriptor says of the packages in it: their sizes, licences and digests, in its annotations.

So it is known without a byte of the layer, and of a layer that was made before, too.
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from packaging.utils import canonicalize_name

from clipper_sls.domain.image.bill_of_materials import Package
from clipper_sls.domain.image.contents import PACKAGES_ANNOTATION, PACKAGES_ORIGIN_ANNOTATION

UNOWNED = "other"
"""Stands among the sizes for what belongs to no package."""


class _Origin(msgspec.Struct, omit_defaults=True):
    license: str = ""
    sha256: str = ""


def notes(sizes: Mapping[str, int], packages: Mapping[str, Package]) -> dict[str, str]:
    """Annotations, from sizes in bytes, and from packages, both by "name version"."""
    origins = {key: _Origin(package.license, package.sha256) for key, package in packages.items()}
    return {
        PACKAGES_ANNOTATION: json.dumps(dict(sizes), sort_keys=True, separators=(",", ":")),
        PACKAGES_ORIGIN_ANNOTATION: msgspec.json.encode(origins, order="sorted").decode(),
    }


def sizes_in(annotations: Mapping[str, str]) -> dict[str, int]:
    """Bytes by "name version"; empty for what is not ours, which may say anything there."""
    sizes: dict[str, int] = _decoded(annotations, PACKAGES_ANNOTATION, dict[str, int])
    return sizes


def packages_in(annotations: Mapping[str, str]) -> tuple[Package, ...]:
    """The packages in a layer, by name."""
    origins = _decoded(annotations, PACKAGES_ORIGIN_ANNOTATION, dict[str, _Origin])
    found = []
    for key in sizes_in(annotations).keys() - {UNOWNED}:
        name, _, version = key.partition(" ")
        origin = origins.get(key, _Origin())
        found.append(Package(canonicalize_name(name), version, origin.license, origin.sha256))
    return tuple(sorted(found, key=lambda package: (package.name, package.version)))


def _decoded(annotations: Mapping[str, str], name: str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(annotations.get(name, "{}"), type=kind)
    except msgspec.MsgspecError:
        return {}
