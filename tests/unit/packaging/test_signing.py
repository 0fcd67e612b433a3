"""Signing with the user's own key."""

import stat
import subprocess
from pathlib import Path

import pytest

from clipper_sls.domain.bundle import SIGNATURE_FILE, Manifest
from clipper_sls.domain.trust import Trust, check_signature, verified_statement
from clipper_sls.errors import InvalidSettingError, UntrustedBundleError
from clipper_sls.packaging.bundling import add_warm_up, bundle_builtin, bundle_closure
from clipper_sls.packaging.signing import Signer, make_key, own_public_key

OPENSSL = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
"""
"""The example of RFC 8410, section 10.3, and below its public key of section 10.1."""
PUBLIC = "ed25519:Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "config" / "signing-key.pem"


def bundle(folder: Path) -> Manifest:
    return bundle_closure(lambda values: values, name="m", version="1", input_type="json", destination=folder)


def test_the_first_signature_makes_a_key_that_its_owner_alone_can_read(key: Path, tmp_path: Path) -> None:
    manifest = bundle(tmp_path / "bundle")
    public = Signer(key).sign(tmp_path / "bundle")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert [path.name for path in key.parent.iterdir()] == [key.name]
    assert own_public_key(key) == public == make_key(key)
    check_signature((tmp_path / "bundle" / SIGNATURE_FILE).read_bytes(), manifest, Trust((public,)))


def test_signing_changes_nothing_of_the_bundle_and_can_be_repeated(key: Path, tmp_path: Path) -> None:
    manifest = bundle(tmp_path)
    Signer(key).sign(tmp_path)
    first = (tmp_path / SIGNATURE_FILE).read_bytes()
    Signer(key).sign(tmp_path)
    assert (tmp_path / SIGNATURE_FILE).read_bytes() == first
    assert Manifest.from_json((tmp_path / "manifest.json").read_bytes()) == manifest


def test_a_bundle_that_was_changed_afterwards_has_to_be_signed_again(key: Path, tmp_path: Path) -> None:
    bundle(tmp_path)
    public = Signer(key).sign(tmp_path)
    changed = add_warm_up(tmp_path, [b"1"])
    with pytest.raises(UntrustedBundleError, match="of another bundle"):
        check_signature((tmp_path / SIGNATURE_FILE).read_bytes(), changed, Trust((public,)))


def test_keys_of_openssl_can_be_used(key: Path, tmp_path: Path) -> None:
    key.parent.mkdir()
    key.write_text(OPENSSL)
    assert str(own_public_key(key)) == PUBLIC


def test_openssl_can_read_the_keys(key: Path) -> None:
    make_key(key)
    try:
        shown = subprocess.run(["openssl", "pkey", "-in", key, "-noout", "-text"], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("NOT TESTED HERE: needs openssl")
    assert "ED25519 Private-Key" in shown.stdout


@pytest.mark.parametrize("content", ["", "x", OPENSSL.replace("MC4CAQ", "MC4CAA"), OPENSSL.replace("VhC", "VhCAAAA")])
def test_what_is_no_key_is_never_written_over(key: Path, tmp_path: Path, content: str) -> None:
    bundle_builtin("builtin:noop", name="m", version="1", input_type="json", destination=tmp_path / "bundle")
    key.parent.mkdir()
    key.write_text(content)
    with pytest.raises(InvalidSettingError, match="no Ed25519 private key"):
        Signer(key).sign(tmp_path / "bundle")
    assert key.read_text() == content
    assert not (tmp_path / "bundle" / SIGNATURE_FILE).exists()


def test_a_key_that_cannot_be_made_is_an_error_that_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidSettingError, match="CLIPPER_SLS_SIGNING_KEY"):
        make_key(tmp_path / "file" / "key.pem")


def test_a_key_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "key.pem").mkdir()
    for use in (own_public_key, make_key):
        with pytest.raises(InvalidSettingError, match=r"key\.pem.*CLIPPER_SLS_SIGNING_KEY"):
            use(tmp_path / "key.pem")


def test_there_is_no_key_before_one_is_made(key: Path) -> None:
    assert own_public_key(key) is None


def _git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: a project in git, with one commit."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text("x = 1\n")
    try:
        _git(folder, "init", "-q")
    except FileNotFoundError:
        pytest.skip("NOT TESTED HERE: needs git")
    _git(folder, "add", ".")
    _git(folder, "commit", "-qm", "first")
    monkeypatch.chdir(folder)
    return folder


def _revision(key: Path, folder: Path, **changes: str) -> tuple[str, str]:
    """The digest and what is said of the code, for a function that has no file."""
    names: dict[str, object] = {}
    exec("def predict(values): return values", {"__name__": "__main__no_file"}, names)
    manifest = bundle_closure(
        names["predict"],  # type: ignore[arg-type]
        name="m",
        version="1",
        input_type="json",
        destination=folder,
    )
    public = Signer(key, **changes).sign(folder)
    return manifest.digest, verified_statement((folder / SIGNATURE_FILE).read_bytes(), manifest, [public]).revision


def test_the_signature_says_which_commit_the_code_is_of_and_the_digest_does_not(
    project: Path, key: Path, tmp_path: Path
) -> None:
    clean = _revision(key, tmp_path / "clean")
    (project / "train.py").write_text("x = 2\n")
    dirty = _revision(key, tmp_path / "dirty")
    assert len(clean[1]) == 40
    assert dirty == (clean[0], f"{clean[1]}-dirty")


def test_files_that_git_does_not_follow_make_nothing_dirty(project: Path, key: Path, tmp_path: Path) -> None:
    (project / "model.bin").touch()
    assert len(_revision(key, tmp_path / "bundle")[1]) == 40


def test_who_deploys_may_say_which_revision_it_is(project: Path, key: Path, tmp_path: Path) -> None:
    assert _revision(key, tmp_path / "bundle", revision="r12")[1] == "r12"


def test_outside_of_git_nothing_is_said(key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert _revision(key, tmp_path / "bundle")[1] == ""
