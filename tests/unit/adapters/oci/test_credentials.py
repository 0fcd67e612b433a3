import base64
import json
from pathlib import Path

import pytest

from clipper_sls.adapters.oci.authorization import Challenge
from clipper_sls.adapters.oci.credentials import Credentials, credentials_for, docker_config_path
from clipper_sls.image_errors import RegistryRefusedError

AUTH = base64.b64encode(b"ali:open:sesame").decode()


def _config(folder: Path, **fields: object) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(fields))
    return path


def _helper(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "docker-credential-tests"
    program.write_text(f"#!/bin/sh\nread server\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


@pytest.mark.parametrize("key", ["example.com:5000", "https://example.com:5000", "http://example.com:5000"])
def test_what_docker_login_left_is_found(tmp_path: Path, key: str) -> None:
    path = _config(tmp_path, auths={key: {"auth": AUTH}})
    assert credentials_for("example.com:5000", path) == Credentials("ali", "open:sesame")
    assert credentials_for("example.com", path) is None


def test_docker_hub_has_a_key_of_its_own(tmp_path: Path) -> None:
    path = _config(tmp_path, auths={"https://index.docker.io/v1/": {"identitytoken": "idem"}})
    assert credentials_for("docker.io", path) == Credentials(identity_token="idem")


def test_nobody_has_logged_in(tmp_path: Path) -> None:
    assert credentials_for("example.com", tmp_path / "absent") is None
    assert credentials_for("example.com", _config(tmp_path)) is None
    assert credentials_for("example.com", _config(tmp_path, auths={"example.com": {}})) is None


def test_a_helper_is_asked_by_its_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _helper(tmp_path, monkeypatch, 'echo "{\\"Username\\": \\"AWS\\", \\"Secret\\": \\"for $server\\"}"')
    path = _config(tmp_path, credHelpers={"example.com": "tests"})
    assert credentials_for("example.com", path) == Credentials("AWS", "for example.com")
    stored = _config(tmp_path, credsStore="tests")
    assert credentials_for("other.com", stored) == Credentials("AWS", "for other.com")


def test_a_helpers_identity_token_is_told_by_its_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _helper(tmp_path, monkeypatch, 'echo "{\\"Username\\": \\"<token>\\", \\"Secret\\": \\"idem\\"}"')
    found = credentials_for("example.com", _config(tmp_path, credsStore="tests"))
    assert found == Credentials(identity_token="idem")


def test_a_helper_that_knows_nothing_leaves_it_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _helper(tmp_path, monkeypatch, "echo credentials not found in native keychain; exit 1")
    path = _config(tmp_path, credsStore="tests", auths={"example.com": {"auth": AUTH}})
    assert credentials_for("example.com", path) == Credentials("ali", "open:sesame")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "cannot be read"),
        ('{"auths": {"example.com": {"auth": "???"}}}', "try docker login example.com"),
        ('{"credsStore": "../evil"}', "no name of a credential helper"),
        ('{"credsStore": "is-not-installed"}', "docker-credential-is-not-installed failed"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises(RegistryRefusedError, match=why):
        credentials_for("example.com", path)


def test_docker_says_where_its_configuration_is() -> None:
    assert docker_config_path({"DOCKER_CONFIG": "/there"}) == Path("/there/config.json")
    assert docker_config_path({}) == Path.home() / ".docker/config.json"


def test_a_challenge_is_read_as_it_is_written() -> None:
    header = 'Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull,push"'
    assert Challenge.parse(header) == Challenge(
        "bearer",
        {"realm": "https://auth.example/token", "service": "registry", "scope": "repository:a/b:pull,push"},
    )
    assert Challenge.parse("Basic") == Challenge("basic", {})
