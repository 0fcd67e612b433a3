"""Who vouches for a bundle: a signed statement about its digest, in `signature.json` beside the manifest.

The envelope is DSSE (Dead Simple Signing Envelope 1.0), the statement in-toto's with SLSA's provenance 1.0, the
signature Ed25519 (RFC 8032): others can read and verify them, too. The digest covers every file of the bundle but this
one; so the same bundle may be signed by several, and be the same. Runs inside model images: standard library only.
"""

import base64
import json
import re
from dataclasses import dataclass
from typing import Any

MAX_SIGNATURE_BYTES = 64 * 1024

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILDER = "pkg:pypi/clipper-sls"
SOURCE = "source"

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Statement:
    """What a signer says: which bundle, made by which release, of which state of the code."""

    subject: str  # "digits:1", for people
    bundle_digest: str
    release: str
    revision: str = ""  # "0fe6...", "0fe6...-dirty", or whatever its deployer gave; "" when nobody knows

    def to_json(self) -> bytes:
        source: dict[str, Any] = {"name": SOURCE, "annotations": {"revision": self.revision}}
        if _COMMIT.fullmatch(self.revision):
            source["digest"] = {"gitCommit": self.revision}
        definition = {
            "buildType": f"{BUILDER}#bundle",
            "externalParameters": {},
            "resolvedDependencies": [source] if self.revision else [],
        }
        builder = {"id": BUILDER, "version": {"clipper-sls": self.release}}
        statement = {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": self.subject, "digest": {"sha256": self.bundle_digest}}],
            "predicateType": PREDICATE_TYPE,
            "predicate": {"buildDefinition": definition, "runDetails": {"builder": builder}},
        }
        return json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "Statement":
        """Raises ValueError for what is no such statement."""
        try:
            fields = json.loads(content)
            (subject,) = fields["subject"]
            predicate = fields["predicate"]
            sources = predicate["buildDefinition"]["resolvedDependencies"]
            texts = (
                subject["name"],
                subject["digest"]["sha256"],
                predicate["runDetails"]["builder"]["version"]["clipper-sls"],
                *(source["annotations"]["revision"] for source in sources[:1]),
            )
            kinds = (fields["_type"], fields["predicateType"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"it cannot be read: {error!r}") from error
        if kinds != (STATEMENT_TYPE, PREDICATE_TYPE) or not all(isinstance(text, str) for text in texts):
            raise ValueError("it is a statement of another kind")
        return cls(*texts)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A statement as it is stored and sent, with `signatures`: pairs of a key's id, which is a hint, and 64 bytes."""

    payload: bytes
    signatures: tuple[tuple[str, bytes], ...]

    @property
    def signed_bytes(self) -> bytes:
        return signed_bytes(self.payload)

    def to_json(self) -> bytes:
        signatures = [{"keyid": key_id, "sig": _text(signature)} for key_id, signature in self.signatures]
        fields = {"payload": _text(self.payload), "payloadType": PAYLOAD_TYPE, "signatures": signatures}
        return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "Envelope":
        """Raises ValueError for what is no envelope around a statement."""
        try:
            fields = json.loads(content)
            signatures = tuple(
                (str(one.get("keyid", "")), base64.b64decode(one["sig"], validate=True)) for one in fields["signatures"]
            )
            envelope = cls(base64.b64decode(fields["payload"], validate=True), signatures)
            kind = fields["payloadType"]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"it cannot be read: {error!r}") from error
        if kind != PAYLOAD_TYPE:
            raise ValueError(f"it is around {str(kind)[:100]!r}")
        return envelope


def signed_bytes(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what the signature is of."""
    return f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)} ".encode() + payload


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
