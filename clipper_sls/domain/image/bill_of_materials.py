"""What is in a model's image, as others read it: a bill of materials in CycloneDX 1.6, JSON.

The same for equal images: its serial number follows from what it says, and it has no time.
"""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from clipper_sls.domain.bundle import Manifest
from clipper_sls.domain.image.contents import LayerKind
from clipper_sls.domain.image.references import Reference

if TYPE_CHECKING:
    from cyclonedx.model import HashType
    from cyclonedx.model.component import Component

_MODEL, _BASE = "model", "base"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "clipper-sls")
_PROPERTY = "clipper-sls"


@dataclass(frozen=True, slots=True)
class Package:
    """An installed distribution. `license` is an SPDX expression, or what its author wrote; `sha256` that of the wheel.

    Each is "" when it is not known.
    """

    name: str
    version: str
    license: str = ""
    sha256: str = ""


def bill_of_materials(
    manifest: Manifest, packages: Mapping[LayerKind, Iterable[Package]], base: Reference, release: str
) -> bytes:
    """Of the image of the bundle of `manifest`: `packages` by layer, on `base`, which is given by its digest.

    What the base is made of is not known here.
    """
    from cyclonedx.model.bom import Bom
    from cyclonedx.output.json import JsonV1Dot6

    parts = [_base(base), _release(release), *_packages(packages)]
    bom = Bom(components=parts)
    bom.metadata.component = model = _model(manifest)
    bom.register_dependency(model, parts)
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    del document["metadata"]["timestamp"], document["serialNumber"]
    said = json.dumps(document, sort_keys=True)
    document["serialNumber"] = uuid.uuid5(_NAMESPACE, said).urn
    return json.dumps(document, sort_keys=True, indent=1).encode()


def _model(manifest: Manifest) -> "Component":
    from cyclonedx.model.component import Component, ComponentType

    return Component(
        name=manifest.name,
        version=manifest.version,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=_MODEL,
        hashes=_hashes(manifest.digest),
    )


def _base(base: Reference) -> "Component":
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    place = f"{base.registry}/{base.repository}"
    digest = base.digest or ""
    return Component(
        name=place,
        version=digest,
        type=ComponentType.CONTAINER,
        bom_ref=_BASE,
        purl=PackageURL("oci", None, base.repository.rpartition("/")[2], digest, {"repository_url": place}),
    )


def _release(release: str) -> "Component":
    return _component(Package("clipper-sls", release, "Apache-2.0"), LayerKind.CODE)


def _packages(packages: Mapping[LayerKind, Iterable[Package]]) -> Iterator["Component"]:
    for kind, installed in packages.items():
        yield from (_component(package, kind) for package in installed)


def _component(package: Package, kind: LayerKind) -> "Component":
    """The server and the model may have the same package, and each in a version of its own."""
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model import Property
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    purl = PackageURL("pypi", None, canonicalize_name(package.name), package.version)
    licenses: list[Any] = [LicenseFactory().make_from_string(package.license)] if package.license else []
    return Component(
        name=canonicalize_name(package.name),
        version=package.version,
        type=ComponentType.LIBRARY,
        bom_ref=f"{kind}:{purl.to_string()}",
        purl=purl,
        licenses=licenses,
        hashes=_hashes(package.sha256),
        properties=[Property(name=f"{_PROPERTY}:layer", value=kind.value)],
    )


def _hashes(sha256: str) -> "list[HashType]":
    from cyclonedx.model import HashAlgorithm, HashType

    return [HashType(alg=HashAlgorithm.SHA_256, content=sha256)] if sha256 else []
