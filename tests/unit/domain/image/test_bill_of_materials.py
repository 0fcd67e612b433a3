"""Bills of materials, held against the schema of CycloneDX."""

import json
from dataclasses import replace
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from clipper_sls.domain.bundle import NOOP_ENTRY, Manifest
from clipper_sls.domain.image.bill_of_materials import Package, bill_of_materials
from clipper_sls.domain.image.contents import LayerKind
from clipper_sls.domain.image.package_notes import notes, packages_in, sizes_in
from clipper_sls.domain.image.references import Reference

MANIFEST = Manifest("digits", "2", "doubles", NOOP_ENTRY, "3.11", "3.1.2")
BASE = Reference.parse("python:3.11-slim").pinned(f"sha256:{'b' * 64}")
PACKAGES = {
    LayerKind.SERVER: [Package("numpy", "1.0", "BSD-3-Clause"), Package("uvicorn", "0.54.0", "BSD License")],
    LayerKind.DEPENDENCIES: [
        Package("numpy", "2.4.6", "BSD-3-Clause AND (MIT OR Zlib)", "a" * 64),
        Package("odd", "1.0+local", "Whatever we like"),
        Package("untold", "0.1"),
    ],
}


def _bill(**changes: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {"manifest": MANIFEST, "packages": PACKAGES, "base": BASE, "release": "0.1.0"}
    return json.loads(bill_of_materials(**{**arguments, **changes}))


def test_it_keeps_to_the_schema() -> None:
    content = bill_of_materials(MANIFEST, PACKAGES, BASE, "0.1.0").decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(content) is None
    assert json.loads(content)["specVersion"] == "1.6"


def test_it_names_the_model_by_its_bundles_digest_and_the_base_by_its_own() -> None:
    bill = _bill()
    assert bill["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": MANIFEST.digest}]
    (base,) = [part for part in bill["components"] if part["type"] == "container"]
    assert (base["name"], base["version"]) == ("docker.io/library/python", BASE.digest)


def test_a_package_has_a_version_a_purl_a_licence_and_the_digest_of_its_wheel_as_far_as_they_are_known() -> None:
    parts = {part["bom-ref"]: part for part in _bill()["components"]}
    numpy = parts["dependencies:pkg:pypi/numpy@2.4.6"]
    assert numpy["purl"] == "pkg:pypi/numpy@2.4.6"
    assert numpy["licenses"] == [{"expression": "BSD-3-Clause AND (MIT OR Zlib)"}]
    assert numpy["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert parts["server:pkg:pypi/numpy@1.0"]["licenses"] == [{"license": {"id": "BSD-3-Clause"}}]
    assert parts["dependencies:pkg:pypi/odd@1.0%2Blocal"]["licenses"] == [{"license": {"name": "Whatever we like"}}]
    assert parts["dependencies:pkg:pypi/untold@0.1"].keys().isdisjoint({"licenses", "hashes"})


def test_equal_images_have_equal_bills_and_others_have_others() -> None:
    assert _bill() == _bill()
    serials = {
        _bill(**changes)["serialNumber"]
        for changes in ({}, {"release": "0.2.0"}, {"manifest": replace(MANIFEST, version="3")}, {"packages": {}})
    }
    assert len(serials) == 4
    assert "timestamp" not in _bill()["metadata"]


def test_what_a_layer_says_of_its_packages_is_read_from_its_annotations() -> None:
    packages = {f"{package.name} {package.version}": package for package in PACKAGES[LayerKind.DEPENDENCIES]}
    annotations = notes({**dict.fromkeys(packages, 7), "other": 1}, packages)
    assert packages_in(annotations) == tuple(PACKAGES[LayerKind.DEPENDENCIES])
    assert sizes_in(annotations)["numpy 2.4.6"] == 7


@pytest.mark.parametrize("text", ["", "[]", '{"a": {"b": 1}}', "{"])
def test_annotations_of_others_say_nothing(text: str) -> None:
    annotations = {"clipper-sls.packages": text, "clipper-sls.packages.origin": text}
    assert sizes_in(annotations) == {}
    assert packages_in(annotations) == ()
