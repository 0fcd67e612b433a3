"""Signs bundles with the user's own key, which is made when it is first needed.

The key is an Ed25519 private key in PEM (PKCS #8, RFC 8410), as `openssl genpkey -algorithm ed25519` makes them, in a
file that its owner alone can read.
"""

import base64
import binascii
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clipper_sls import __version__
from clipper_sls.domain.bundle import MANIFEST_NAME, SIGNATURE_FILE, Manifest
from clipper_sls.domain.signature import Envelope, Statement, signed_bytes
from clipper_sls.domain.trust import PublicKey
from clipper_sls.errors import InvalidSettingError
from clipper_sls.packaging.origin import revision_in

if TYPE_CHECKING:
    from nacl.signing import SigningKey

_BEGIN, _END = "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"
_PKCS8_HEAD = bytes.fromhex("302e020100300506032b657004220420")
"""DER of everything in such a file before the 32 bytes of the key (RFC 8410, section 7)."""

_OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with the key in the file `key_path`; `revision`, where it is given, wins over what was found."""

    key_path: Path
    revision: str | None = None

    def sign(self, folder: Path) -> PublicKey:
        """Write the signature beside the manifest of the bundle in `folder`; returns whose it is.

        Makes the key if there is none. Raises InvalidSettingError when there can be none.
        """
        key = _made_or_read(self.key_path)
        manifest = Manifest.from_json((folder / MANIFEST_NAME).read_bytes())
        revision = revision_in(folder) if self.revision is None else self.revision
        statement = Statement(f"{manifest.name}:{manifest.version}", manifest.digest, __version__, revision)
        payload, public = statement.to_json(), _public(key)
        envelope = Envelope(payload, ((public.id, key.sign(signed_bytes(payload)).signature),))
        path = folder / SIGNATURE_FILE
        path.unlink(missing_ok=True)  # it may be a link to that of another bundle
        path.write_bytes(envelope.to_json())
        return public


def own_public_key(path: Path) -> PublicKey | None:
    """Of the private key in the file `path`; None when there is no such file. Raises InvalidSettingError."""
    try:
        return _public(_read(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidSettingError(
            f"The signing key {path} cannot be read: {error}. Make it yours, or name another with "
            f"CLIPPER_SLS_SIGNING_KEY"
        ) from error


def make_key(path: Path) -> PublicKey:
    """Make a private key in the file `path`, unless there is one. Raises InvalidSettingError."""
    return _public(_made_or_read(path))


def _made_or_read(path: Path) -> "SigningKey":
    try:
        with suppress(FileNotFoundError):
            return _read(path)
        _make(path)
        return _read(path)
    except OSError as error:
        raise InvalidSettingError(
            f"There can be no signing key in {path}: {error}. Name a file that can be written, or that holds one, with "
            f"CLIPPER_SLS_SIGNING_KEY"
        ) from error


def _make(path: Path) -> None:
    """Complete when it has its name; whoever is first wins."""
    from nacl.signing import SigningKey

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, part = tempfile.mkstemp(prefix=".key-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(descriptor, _OWNER_ONLY)
            file.write(_pem(SigningKey.generate().encode()))
        with suppress(FileExistsError):
            Path(path).hardlink_to(part)
    finally:
        Path(part).unlink()


def _read(path: Path) -> "SigningKey":
    from nacl.signing import SigningKey

    seed = _seed(path.read_text(errors="replace"))
    if seed is None:
        raise InvalidSettingError(
            f"{path} is no Ed25519 private key in PEM, unencrypted. Move it, and one is made; or make one with: "
            f"openssl genpkey -algorithm ed25519"
        )
    return SigningKey(seed)


def _pem(seed: bytes) -> str:
    return f"{_BEGIN}\n{base64.b64encode(_PKCS8_HEAD + seed).decode()}\n{_END}\n"


def _seed(text: str) -> bytes | None:
    _, begun, rest = text.partition(_BEGIN)
    body, ended, _ = rest.partition(_END)
    try:
        der = base64.b64decode("".join(body.split()), validate=True)
    except binascii.Error:
        return None
    is_key = begun and ended and der.startswith(_PKCS8_HEAD) and len(der) == len(_PKCS8_HEAD) + 32
    return der[len(_PKCS8_HEAD) :] if is_key else None


def _public(key: "SigningKey") -> PublicKey:
    return PublicKey(key.verify_key.encode())
