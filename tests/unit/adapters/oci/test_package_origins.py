"""Where packages come from, as far as it is known."""

from email.message import Message
from pathlib import Path

import pytest

from clipper_sls.adapters.oci.package_origins import license_in, offered_wheels, package_of

LOCK = """
lock-version = "1.0"
[[packages]]
name = "Fast.Thing"
version = "1.0"
wheels = [
    { url = "https://example.org/a/fast_thing-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", hashes = { sha256 = "aa" } },
    { name = "fast_thing-1.0-py3-none-any.whl", hashes = { sha256 = "bb" } },
    { url = "https://example.org/odd.whl", hashes = { sha256 = "cc" } },
    { name = "fast_thing-1.0-py2-none-any.whl" },
]
[[packages]]
name = "untold"
version = "1.0"
"""  # noqa: E501


def _info(folder: Path, *tags: str) -> Path:
    folder.mkdir()
    (folder / "WHEEL").write_text("Wheel-Version: 1.0\n" + "".join(f"Tag: {tag}\n" for tag in tags))
    (folder / "METADATA").write_text("Name: Fast.Thing\nVersion: 1.0\nLicense-Expression: MIT\n")
    return folder


@pytest.mark.parametrize(
    ("tags", "sha256"),
    [
        (("cp311-cp311-manylinux_2_17_x86_64", "cp311-cp311-manylinux2014_x86_64"), "aa"),
        (("py3-none-any",), "bb"),
        (("cp311-cp311-manylinux_2_17_x86_64",), ""),
        ((), ""),
    ],
)
def test_the_digest_is_that_of_the_wheel_with_the_tags_of_the_installed_one(
    tmp_path: Path, tags: tuple[str, ...], sha256: str
) -> None:
    package = package_of(_info(tmp_path / "info", *tags), "fast_thing 1.0", offered_wheels(LOCK))
    assert (package.name, package.version, package.license, package.sha256) == ("fast-thing", "1.0", "MIT", sha256)


def test_a_package_that_tells_nothing_has_a_name_and_a_version(tmp_path: Path) -> None:
    package = package_of(tmp_path / "absent", "untold 1.0", offered_wheels(LOCK))
    assert (package.name, package.license, package.sha256) == ("untold", "", "")


def _fields(**values: str) -> "Message[str, str]":
    fields: Message[str, str] = Message()
    for name, value in values.items():
        fields[name.replace("_", "-")] = value
    return fields


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (_fields(License_Expression="MIT OR Apache-2.0", License="old"), "MIT OR Apache-2.0"),
        (_fields(License="BSD-3-Clause"), "BSD-3-Clause"),
        (_fields(License="All of\nthe text", Classifier="License :: OSI Approved :: BSD License"), "BSD License"),
        (_fields(License="UNKNOWN"), ""),
        (_fields(), ""),
    ],
)
def test_a_licence_is_an_expression_or_a_name_and_never_a_text(fields: "Message[str, str]", told: str) -> None:
    assert license_in(fields) == told
