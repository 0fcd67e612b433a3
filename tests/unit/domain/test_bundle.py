"""One digest stands for everything in a bundle."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.domain.bundle import WARM_UP_FILE, BundledFile, Manifest
from clipper_sls.errors import InvalidBundleError

FILE = BundledFile(sha256="a" * 64, size_bytes=3)
MANIFEST = Manifest(
    name="digits",
    version="1",
    input_type="doubles",
    entry="closure:func.pkl",
    python="3.11",
    cloudpickle="3.1.2",
    requirements=("numpy==2.0",),
    pkgs_to_install=("six",),
    files={"func.pkl": FILE},
)


def test_a_manifest_is_read_back_as_it_was_written() -> None:
    assert Manifest.from_json(MANIFEST.to_json()) == MANIFEST


TEXTS = st.lists(st.text(), max_size=3).map(tuple)


@given(st.text(), st.text(), TEXTS, TEXTS, st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text()))
def test_manifests_that_differ_have_digests_that_differ(
    name: str, version: str, requirements: tuple[str, ...], wanted: tuple[str, ...], files: dict[str, str]
) -> None:
    listed = {path: BundledFile(sha256=digest, size_bytes=1) for path, digest in files.items()}
    other = replace(
        MANIFEST, name=name, version=version, requirements=requirements, pkgs_to_install=wanted, files=listed
    )
    assert (other.digest == MANIFEST.digest) == (other == MANIFEST)
    assert Manifest.from_json(other.to_json()) == other


def test_the_order_of_files_does_not_matter() -> None:
    forth = replace(MANIFEST, files={"a": FILE, "b": FILE})
    back = replace(MANIFEST, files={"b": FILE, "a": FILE})
    assert forth.digest == back.digest


def test_the_digest_is_64_hex_digits() -> None:
    assert len(bytes.fromhex(MANIFEST.digest)) == 32


@pytest.mark.parametrize(
    "change",
    [
        {"name": 1},
        {"requirements": "numpy"},
        {"requirements": [1]},
        {"files": []},
        {"files": {"func.pkl": {"sha256": "a"}}},
        {"files": {"func.pkl": {"sha256": "a", "size_bytes": "3"}}},
        {"files": {"func.pkl": None}},
        {"schema": 99},
        {"schema": None},
    ],
    ids=str,
)
def test_a_manifest_with_a_wrong_field_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidBundleError):
        Manifest.from_json(json.dumps(json.loads(MANIFEST.to_json()) | change).encode())


@pytest.mark.parametrize("key", ["name", "version", "input_type", "entry", "python", "files", "schema"])
def test_a_manifest_without_a_field_is_refused(key: str) -> None:
    fields = json.loads(MANIFEST.to_json())
    del fields[key]
    with pytest.raises(InvalidBundleError, match=key):
        Manifest.from_json(json.dumps(fields).encode())


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"text"', b"\xff", b"[" * 100_000], ids=range(7))
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidBundleError, match=r"manifest\.json cannot be read"):
        Manifest.from_json(content)


@given(st.binary())
def test_whatever_is_sent_is_refused_in_one_way(content: bytes) -> None:
    with pytest.raises(InvalidBundleError):
        Manifest.from_json(content)


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../b", "a//b", "", ".", "a/", "manifest.json", "a\0b"])
def test_a_file_outside_the_bundle_is_refused(path: str) -> None:
    with pytest.raises(InvalidBundleError, match="outside itself"):
        Manifest.from_json(replace(MANIFEST, files={path: FILE}).to_json())


def test_the_digest_of_a_manifest_does_not_change_with_a_release() -> None:
    assert MANIFEST.digest == "7e49ed91e6f45933df8056f67691af6e35e40124edb840c211e9ca71f4bb112b"


def test_warm_up_inputs_are_a_listed_file() -> None:
    warmed_up = replace(MANIFEST, files={**MANIFEST.files, WARM_UP_FILE: FILE}, warm_up_file=WARM_UP_FILE)
    assert Manifest.from_json(warmed_up.to_json()) == warmed_up
    assert len({manifest.digest for manifest in (MANIFEST, warmed_up, replace(warmed_up, warm_up_file=None))}) == 3
    with pytest.raises(InvalidBundleError, match="where its warm-up inputs should be"):
        Manifest.from_json(replace(MANIFEST, warm_up_file=WARM_UP_FILE).to_json())
