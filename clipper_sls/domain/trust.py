"""Whose bundles may run: public keys, and whether a bundle is signed by one of them.

Runs inside model images: standard library, and PyNaCl where a signature is verified.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from clipper_sls.domain.bundle import Manifest
from clipper_sls.domain.signature import Envelope, Statement
from clipper_sls.errors import InvalidSettingError, UntrustedBundleError

TRUSTED_KEYS_VARIABLE = "CLIPPER_TRUSTED_KEYS"
ALLOW_UNSIGNED_VARIABLE = "CLIPPER_ALLOW_UNSIGNED"
"""How whoever runs a replica tells it whom to trust."""

_KEY_BYTES = 32
_KEY_PREFIX = "ed25519:"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Of somebody who signs. Prints as `ed25519:` and 44 characters."""

    raw: bytes

    def __str__(self) -> str:
        return _KEY_PREFIX + base64.b64encode(self.raw).decode()

    @property
    def id(self) -> str:
        """SHA-256 of the key, 64 hex digits: which one to try first."""
        return hashlib.sha256(self.raw).hexdigest()

    @classmethod
    def parse(cls, text: str) -> "PublicKey":
        """Raises InvalidSettingError."""
        try:
            raw = base64.b64decode(text.removeprefix(_KEY_PREFIX), validate=True)
        except binascii.Error:
            raw = b""
        if not text.startswith(_KEY_PREFIX) or len(raw) != _KEY_BYTES:
            raise InvalidSettingError(
                f"{text[:80]!r} is no public key; one is {_KEY_PREFIX} and 44 characters, as `clipper-sls keys show` "
                f"prints it"
            )
        return cls(raw)


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose bundles are run. `allows_unsigned` is for all, whether and by whomever they are signed."""

    keys: tuple[PublicKey, ...] = ()
    allows_unsigned: bool = False

    @property
    def variables(self) -> dict[str, str]:
        """What a replica is told."""
        allowed = {ALLOW_UNSIGNED_VARIABLE: "1"} if self.allows_unsigned else {}
        return {TRUSTED_KEYS_VARIABLE: " ".join(map(str, self.keys)), **allowed}

    @classmethod
    def from_variables(cls, variables: Mapping[str, str]) -> "Trust":
        """Raises InvalidSettingError."""
        allowed = variables.get(ALLOW_UNSIGNED_VARIABLE, "").strip().lower()
        return cls(parse_keys(variables.get(TRUSTED_KEYS_VARIABLE, "")), allowed in ("1", "true", "yes", "on"))


def parse_keys(text: str) -> tuple[PublicKey, ...]:
    """Public keys with blanks or commas between them. Raises InvalidSettingError."""
    return tuple(PublicKey.parse(key) for key in text.replace(",", " ").split())


def check_signature(content: bytes | None, manifest: Manifest, trust: Trust) -> None:
    """Raises UntrustedBundleError unless somebody whom `trust` names has signed the bundle of `manifest`.

    `content` is that of its SIGNATURE_FILE, None when there is none.
    """
    if not trust.allows_unsigned:
        verified_statement(content, manifest, trust.keys)


def verified_statement(content: bytes | None, manifest: Manifest, keys: Iterable[PublicKey]) -> Statement:
    """What one of `keys` has signed about the bundle of `manifest`. Raises UntrustedBundleError."""
    model, known = f"The bundle of model {manifest.name}:{manifest.version}", tuple(keys)
    if content is None:
        raise UntrustedBundleError(f"{model} is not signed, so nothing of it is loaded. {_ADVICE}")
    try:
        envelope = Envelope.from_json(content)
        if not any(_is_signed_by(key, envelope) for key in known):
            raise UntrustedBundleError(_refusal(model, envelope, known))
        statement = Statement.from_json(envelope.payload)
    except ValueError as error:
        raise UntrustedBundleError(f"The signature of {model[4:]} is of no use: {error}. {_ADVICE}") from error
    if statement.bundle_digest != manifest.digest:
        raise UntrustedBundleError(
            f"The signature beside {model[4:]} is that of another bundle, {statement.subject} with digest "
            f"{statement.bundle_digest}; this one has {manifest.digest}, and nothing of it is loaded. {_ADVICE}"
        )
    return statement


_ADVICE = (
    "Deploy the model again with this release, which signs what it deploys. If it comes from where it should, it can "
    "be run all the same: by `clipper-sls dev --allow-unsigned` (CLIPPER_SLS_ALLOW_UNSIGNED=1), or in an image with "
    f"{ALLOW_UNSIGNED_VARIABLE}=1"
)


def _refusal(model: str, envelope: Envelope, known: tuple[PublicKey, ...]) -> str:
    ids = {key.id for key in known}
    if any(key_id in ids for key_id, _ in envelope.signatures):
        return (
            f"The signature of {model[4:]} is not that of the key that it names: it, or what it is of, was changed "
            f"after it was signed. Nothing of the bundle is loaded. {_ADVICE}"
        )
    signers = ", ".join(sorted({key_id[:16] for key_id, _ in envelope.signatures})) or "nobody"
    return (
        f"{model} is signed by a key that is not trusted here ({signers}); trusted are "
        f"{', '.join(f'{key} ({key.id[:16]})' for key in known) or 'none'}. If it comes from where it should, "
        f"`clipper-sls keys show` prints the public key where it was made: add it here to CLIPPER_SLS_TRUSTED_KEYS, or "
        f"for an image to {TRUSTED_KEYS_VARIABLE}"
    )


def _is_signed_by(key: PublicKey, envelope: Envelope) -> bool:
    from nacl.exceptions import CryptoError
    from nacl.signing import VerifyKey

    for _, signature in envelope.signatures:
        try:
            VerifyKey(key.raw).verify(envelope.signed_bytes, signature)
        except (CryptoError, ValueError):  # ValueError: not of 64 bytes
            continue
        return True
    return False
