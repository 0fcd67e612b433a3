"""Signed statements about bundles, and who is trusted."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from clipper_sls.domain.bundle import NOOP_ENTRY, Manifest
from clipper_sls.domain.signature import Envelope, Statement, signed_bytes
from clipper_sls.domain.trust import PublicKey, Trust, check_signature, parse_keys, verified_statement
from clipper_sls.errors import InvalidSettingError, UntrustedBundleError
from clipper_sls.testing.signing import ANYBODY, ONLY_THE_TEST, OTHER_KEY, PUBLIC_KEY, SIGNING_KEY, signature_of

MANIFEST = Manifest("m", "1", "doubles", NOOP_ENTRY, "3.11", "3.1.2")
COMMIT = "0fe6" * 10


def test_a_statement_comes_back_as_it_was_and_names_the_commit_where_others_look() -> None:
    statement = Statement("m:1", "a" * 64, "0.1.0", COMMIT)
    assert Statement.from_json(statement.to_json()) == statement
    fields = json.loads(statement.to_json())
    assert fields["subject"] == [{"name": "m:1", "digest": {"sha256": "a" * 64}}]
    assert fields["predicate"]["buildDefinition"]["resolvedDependencies"][0]["digest"] == {"gitCommit": COMMIT}


@pytest.mark.parametrize("revision", ["", f"{COMMIT}-dirty", "r123"])
def test_what_is_no_commit_is_not_called_one(revision: str) -> None:
    statement = Statement("m:1", "a" * 64, "0.1.0", revision)
    assert Statement.from_json(statement.to_json()) == statement
    assert b"gitCommit" not in statement.to_json()


def test_an_envelope_signs_what_dsse_says() -> None:
    """The example of DSSE's protocol, with the payload type that is fixed here."""
    assert signed_bytes(b"hello world") == b"DSSEv1 28 application/vnd.in-toto+json 11 hello world"


def test_a_signature_of_a_trusted_key_is_good() -> None:
    content = signature_of(MANIFEST, revision=COMMIT)
    assert verified_statement(content, MANIFEST, [PUBLIC_KEY]).revision == COMMIT
    check_signature(content, MANIFEST, ONLY_THE_TEST)


def test_equal_bundles_get_equal_signatures() -> None:
    assert signature_of(MANIFEST) == signature_of(MANIFEST)


def test_one_good_signature_among_others_is_enough() -> None:
    mine, other = (Envelope.from_json(signature_of(MANIFEST, key)) for key in (SIGNING_KEY, OTHER_KEY))
    both = replace(mine, signatures=(("", b"short"), *other.signatures, *mine.signatures))
    check_signature(both.to_json(), MANIFEST, ONLY_THE_TEST)


def _changed(**changes: Any) -> bytes:
    return json.dumps({**json.loads(signature_of(MANIFEST)), **changes}).encode()


def _with_payload(payload: bytes) -> bytes:
    return _changed(payload=base64.b64encode(payload).decode())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "is not signed"),
        (b"", "cannot be read"),
        (b"[]", "cannot be read"),
        (b'{"signatures": []}', "cannot be read"),
        (_changed(signatures=[]), "nobody"),
        (_changed(signatures=[{"sig": "?"}]), "cannot be read"),
        (_changed(payloadType="application/json"), "around 'application/json'"),
        (_with_payload(Statement("m:1", MANIFEST.digest, "0.1.0", "other").to_json()), "changed after it was signed"),
        (signature_of(MANIFEST, OTHER_KEY), "key that is not trusted here"),
        (signature_of(replace(MANIFEST, version="2")), "of another bundle, m:2"),
    ],
)
def test_whatever_else_is_refused_with_the_reason(content: bytes | None, said: str) -> None:
    with pytest.raises(UntrustedBundleError, match=said):
        check_signature(content, MANIFEST, ONLY_THE_TEST)
    check_signature(content, MANIFEST, ANYBODY)


def test_a_signed_text_that_is_no_statement_of_ours_is_refused() -> None:
    payload = b'{"_type": "other"}'
    signature = SIGNING_KEY.sign(signed_bytes(payload)).signature
    with pytest.raises(UntrustedBundleError, match="of no use"):
        check_signature(Envelope(payload, (("", signature),)).to_json(), MANIFEST, ONLY_THE_TEST)


def test_keys_are_written_and_read() -> None:
    other = PublicKey(OTHER_KEY.verify_key.encode())
    assert parse_keys(f" {PUBLIC_KEY},{other}\n{other} ") == (PUBLIC_KEY, other, other)
    assert parse_keys("") == ()


@pytest.mark.parametrize("text", ["x", "ed25519:", "ed25519:AAAA", "ed25519:????", str(PUBLIC_KEY)[8:]])
def test_what_is_no_key_is_named(text: str) -> None:
    with pytest.raises(InvalidSettingError, match="no public key"):
        PublicKey.parse(text)


@pytest.mark.parametrize("trust", [Trust(), ONLY_THE_TEST, ANYBODY, Trust((PUBLIC_KEY,) * 2, allows_unsigned=True)])
def test_a_replica_is_told_whom_to_trust(trust: Trust) -> None:
    assert Trust.from_variables(trust.variables) == trust


@pytest.mark.parametrize(("value", "allowed"), [("1", True), ("true", True), ("0", False), ("", False), ("no", False)])
def test_only_a_yes_allows_what_is_not_signed(value: str, allowed: bool) -> None:
    assert Trust.from_variables({"CLIPPER_ALLOW_UNSIGNED": value}).allows_unsigned is allowed
