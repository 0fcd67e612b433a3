"""The lock of a bundle."""

import hashlib

import pytest

from clipper_sls.domain.bundle import LOCK_FILE, NOOP_ENTRY, BundledFile, Manifest
from clipper_sls.domain.lock import lock_text, locked_packages, pins_in
from clipper_sls.errors import BundleDigestError, InvalidBundleError

CONTENT = lock_text(["b==2.0", "a==1.0"])


def manifest_of(content: bytes) -> Manifest:
    listed = {LOCK_FILE: BundledFile(hashlib.sha256(content).hexdigest(), len(content))}
    return Manifest("m", "1", "doubles", NOOP_ENTRY, "3.11", "3.1.2", files=listed, lock_file=LOCK_FILE)


def test_what_is_written_is_read_in_order() -> None:
    assert pins_in(CONTENT) == ("a==1.0", "b==2.0")
    assert locked_packages(manifest_of(CONTENT), lambda path: CONTENT) == ("a==1.0", "b==2.0")


def test_a_bundle_without_a_lock_has_no_pins() -> None:
    assert locked_packages(Manifest("m", "1", "doubles", NOOP_ENTRY, "3.11", "3.1.2"), {}.__getitem__) == ()


def test_a_lock_that_was_changed_is_not_used() -> None:
    with pytest.raises(BundleDigestError, match=r"clipper\.lock is not what its manifest says"):
        locked_packages(manifest_of(CONTENT), lambda path: CONTENT + b"c==3\n")


@pytest.mark.parametrize(
    "line",
    [
        "a",
        "a>=1",
        "a==1.*",
        "a==1,!=2",
        "a[x]==1",
        "a==1; python_version > '3'",
        "a @ file:///a.whl",
        "--index-url http://x",
        "./a",
        "-r more.txt",
        "a===1",
    ],
)
def test_a_lock_holds_exact_versions_and_nothing_that_a_tool_would_follow(line: str) -> None:
    with pytest.raises(InvalidBundleError, match="no name==version"):
        pins_in(f"b==1\n{line}\n".encode())


def test_manifests_without_a_lock_keep_the_bytes_that_they_had() -> None:
    assert b"lock_file" not in Manifest("m", "1", "doubles", NOOP_ENTRY, "3.11", "3.1.2").to_json()


def test_a_manifest_that_names_a_lock_must_list_it() -> None:
    content = manifest_of(CONTENT).to_json().replace(b'"lock_file":"clipper.lock"', b'"lock_file":"other"')
    with pytest.raises(InvalidBundleError, match="lists no 'other'"):
        Manifest.from_json(content)
