"""Proves that a bundle is the one that was deployed, before anything in it is opened for use."""

import hashlib
import sys
from pathlib import Path

from clipper_sls.domain.bundle import MANIFEST_NAME, MODULES_FOLDER, SIGNATURE_FILE, BundledFile, Manifest
from clipper_sls.domain.signature import MAX_SIGNATURE_BYTES
from clipper_sls.domain.trust import Trust, check_signature
from clipper_sls.domain.weights import WEIGHTS_FOLDER
from clipper_sls.errors import BundleDigestError, InvalidBundleError, ModelStartError

CHUNK_BYTES = 1 << 20


def verified_manifest(folder: Path, digest: str, trust: Trust) -> Manifest:
    """The manifest of the bundle in `folder`, after its signature, and every byte it vouches for, was verified.

    Raises InvalidBundleError when there is no readable bundle, UntrustedBundleError when nobody whom `trust` names
    has signed it, BundleDigestError when its content is not that of `digest` (64 hex digits), ModelStartError when
    this Python cannot run it.
    """
    manifest = verified_content(folder, digest, trust)
    _check_python(manifest)
    return manifest


def verified_content(folder: Path, digest: str, trust: Trust) -> Manifest:
    """`verified_manifest`, whichever Python it is for."""
    manifest = _manifest(folder)
    if manifest.digest != digest:
        raise BundleDigestError(
            f"The bundle in {folder} has digest {manifest.digest}, not {digest}: it was changed after it was deployed, "
            f"and nothing of it was loaded. Deploy the model again."
        )
    check_signature(_signature(folder), manifest, trust)
    for path, expected in manifest.files.items():
        _check_file(folder, path, expected)
    for name in (MODULES_FOLDER, WEIGHTS_FOLDER):
        _check_unlisted(folder, name, manifest)
    return manifest


def _manifest(folder: Path) -> Manifest:
    try:
        content = (folder / MANIFEST_NAME).read_bytes()
    except OSError as error:
        raise InvalidBundleError(f"There is no readable bundle in {folder}: {error}") from error
    return Manifest.from_json(content)


def _signature(folder: Path) -> bytes | None:
    try:
        with (folder / SIGNATURE_FILE).open("rb") as file:
            return file.read(MAX_SIGNATURE_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidBundleError(f"The bundle's {SIGNATURE_FILE} cannot be read: {error}.") from error


def _check_file(folder: Path, path: str, expected: BundledFile) -> None:
    try:
        digest, size_bytes = _sha256(folder / path)
    except OSError as error:
        raise InvalidBundleError(
            f"The bundle's file {path} cannot be read: {error}. Deploy the model again."
        ) from error
    if (digest, size_bytes) != (expected.sha256, expected.size_bytes):
        raise BundleDigestError(
            f"The bundle's file {path} is not what its manifest says: it was changed after it was deployed, "
            f"and nothing of the bundle was loaded. Deploy the model again."
        )


def _sha256(path: Path) -> tuple[str, int]:
    digest, size_bytes = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            size_bytes += len(chunk)
    return digest.hexdigest(), size_bytes


def _check_unlisted(folder: Path, name: str, manifest: Manifest) -> None:
    """What lies among modules or weights can be imported or read, so the digest must cover all that is there."""
    for path in sorted((folder / name).rglob("*")):
        relative = path.relative_to(folder).as_posix()
        is_folder = path.is_dir() and not path.is_symlink()
        if not is_folder and relative not in manifest.files:
            raise BundleDigestError(
                f"The bundle holds {relative}, which its manifest does not list: it was added after the model was "
                f"deployed, and nothing of the bundle was loaded. Deploy the model again."
            )


def _check_python(manifest: Manifest) -> None:
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    if manifest.holds_pickle and manifest.python != running:
        raise ModelStartError(
            f"Model {manifest.name}:{manifest.version} was deployed from Python {manifest.python}, and a pickled "
            f"function runs on no other; this is Python {running}. Deploy it again from Python {running}, or "
            f"run it with Python {manifest.python}."
        )
