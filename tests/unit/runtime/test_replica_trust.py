"""Whom a replica believes: the real entry point, before anything of the bundle is loaded."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clipper_sls.domain.bundle import SIGNATURE_FILE, Manifest
from clipper_sls.domain.inputs import InputType, pack_json
from clipper_sls.packaging.bundling import bundle_closure
from clipper_sls.testing.signing import OTHER_KEY, PUBLIC_KEY, signature_of

STRICT = {"CLIPPER_ALLOW_UNSIGNED": "", "CLIPPER_TRUSTED_KEYS": str(PUBLIC_KEY)}
Forge = Callable[[Path, Manifest], object]


def _echo(values: Any) -> Any:
    return values


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    made = bundle_closure(_echo, name="m", version="1", input_type="json", destination=tmp_path / "bundle")
    (tmp_path / "bundle" / SIGNATURE_FILE).write_bytes(signature_of(made))
    return made


def test_what_a_trusted_key_has_signed_is_served(start_replica: Any, tmp_path: Path, manifest: Manifest) -> None:
    replica = start_replica(tmp_path / "bundle", **STRICT)
    assert replica.ask(InputType.JSON, [pack_json(7)])["outputs"] == [7]


FORGERIES: dict[str, tuple[Forge, str]] = {
    "unsigned": (lambda folder, manifest: (folder / SIGNATURE_FILE).unlink(), "is not signed"),
    "another key": (
        lambda folder, manifest: (folder / SIGNATURE_FILE).write_bytes(signature_of(manifest, OTHER_KEY)),
        "a key that is not trusted here",
    ),
    "no envelope": (lambda folder, manifest: (folder / SIGNATURE_FILE).write_bytes(b"\xff"), "is of no use"),
    "a folder": (
        lambda folder, manifest: ((folder / SIGNATURE_FILE).unlink(), (folder / SIGNATURE_FILE).mkdir()),
        "cannot be read",
    ),
    "other bytes": (
        lambda folder, manifest: (folder / SIGNATURE_FILE).write_bytes(
            signature_of(manifest).replace(b'"sig":"', b'"sig":"AAAA')
        ),
        "not that of the key that it names",
    ),
    "the manifest was changed, and the digest with it": (
        lambda folder, manifest: (folder / "manifest.json").write_bytes(
            manifest.to_json().replace(b'"version":"1"', b'"version":"2"')
        ),
        "is that of another bundle",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_nothing_is_unpickled_of_what_nobody_trusted_has_signed(
    start_replica: Any, tmp_path: Path, manifest: Manifest, name: str
) -> None:
    forge, said = FORGERIES[name]
    forge(tmp_path / "bundle", manifest)
    message = start_replica(tmp_path / "bundle", **STRICT).init_error()
    assert said in message


def test_the_signature_alone_vouches_for_no_file(start_replica: Any, tmp_path: Path, manifest: Manifest) -> None:
    proof = tmp_path / "proof"
    (tmp_path / "bundle" / "func.pkl").write_bytes(pickle.dumps(Sprung(proof)))
    assert "not what its manifest says" in start_replica(tmp_path / "bundle", **STRICT).init_error()
    assert not proof.exists()


class Sprung:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.mkdir, (self.path,)


def test_unsigned_bundles_run_where_that_is_allowed(start_replica: Any, tmp_path: Path, manifest: Manifest) -> None:
    (tmp_path / "bundle" / SIGNATURE_FILE).unlink()
    replica = start_replica(tmp_path / "bundle", CLIPPER_ALLOW_UNSIGNED="1", CLIPPER_TRUSTED_KEYS="")
    assert replica.ask(InputType.JSON, [pack_json(7)])["outputs"] == [7]


def test_a_key_that_is_none_is_named(start_replica: Any, tmp_path: Path, manifest: Manifest) -> None:
    message = start_replica(tmp_path / "bundle", CLIPPER_ALLOW_UNSIGNED="", CLIPPER_TRUSTED_KEYS="x").init_error()
    assert "'x' is no public key" in message
