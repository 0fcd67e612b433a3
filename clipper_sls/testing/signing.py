"""A key for tests, which anybody can read here, and so nobody should trust anywhere else."""

from nacl.signing import SigningKey

from clipper_sls import __version__
from clipper_sls.domain.bundle import Manifest
from clipper_sls.domain.signature import Envelope, Statement, signed_bytes
from clipper_sls.domain.trust import PublicKey, Trust

SIGNING_KEY = SigningKey(bytes(range(32)))
PUBLIC_KEY = PublicKey(SIGNING_KEY.verify_key.encode())
OTHER_KEY = SigningKey(bytes(range(1, 33)))

ONLY_THE_TEST = Trust((PUBLIC_KEY,))
ANYBODY = Trust(allows_unsigned=True)
"""For tests that are about something else."""


def signature_of(manifest: Manifest, key: SigningKey = SIGNING_KEY, revision: str = "") -> bytes:
    """The content of the signature file of a bundle."""
    subject = f"{manifest.name}:{manifest.version}"
    payload = Statement(subject, manifest.digest, __version__, revision).to_json()
    key_id = PublicKey(key.verify_key.encode()).id
    return Envelope(payload, ((key_id, key.sign(signed_bytes(payload)).signature),)).to_json()
