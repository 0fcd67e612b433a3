"""The key that signs what a user deploys, and an engine that knows it."""

import json
from pathlib import Path
from typing import Any

import pytest

from clipper_sls.testing.engine import EngineUnderTest, embedded_engine


def test_a_key_is_made_once_and_shown(alone: Any, tmp_path: Path) -> None:
    path = tmp_path / "config" / "key.pem"
    absent = alone("keys", "show", CLIPPER_SLS_SIGNING_KEY=str(path))
    assert (absent.code, "clipper-sls keys create" in absent.err) == (3, True)
    made, again = (alone("keys", "create", "--json", CLIPPER_SLS_SIGNING_KEY=str(path)).json for _ in range(2))
    assert (made["changed"], again["changed"]) == (True, False)
    shown = alone("keys", "show", CLIPPER_SLS_SIGNING_KEY=str(path))
    assert shown.out.strip() == made["public_key"] == again["public_key"]
    assert made["public_key"].startswith("ed25519:")


def test_a_file_that_holds_no_key_is_named(alone: Any, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("no key")
    shown = alone("keys", "show", "--json", CLIPPER_SLS_SIGNING_KEY=str(tmp_path / "key.pem"))
    assert shown.code == 2
    assert str(tmp_path / "key.pem") in json.loads(shown.err)["error"]


def _deploy(run: Any, name: str, key: Path) -> Any:
    model = ("--name", name, "--version", "1", "--input-type", "doubles")
    return run("deploy", "train:zero", *model, "--json", CLIPPER_SLS_SIGNING_KEY=str(key))


def test_an_engine_of_another_user_names_the_key_to_trust(run: Any, engine: EngineUnderTest, tmp_path: Path) -> None:
    refused = _deploy(run, "foreign", tmp_path / "key.pem")
    assert refused.code == 6, refused.err
    error = json.loads(refused.err)
    assert error["code"] == "bundle_not_trusted"
    assert "CLIPPER_SLS_TRUSTED_KEYS" in error["error"]
    assert "foreign" not in run("models", "--json").out


@pytest.mark.slow
def test_a_key_that_an_engine_is_told_to_trust_deploys(
    alone: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [
        alone("keys", "create", "--json", CLIPPER_SLS_SIGNING_KEY=str(tmp_path / name)).json["public_key"]
        for name in ("ada.pem", "bob.pem")
    ]
    monkeypatch.setenv("CLIPPER_SLS_TRUSTED_KEYS", ", ".join(keys))
    with embedded_engine(tmp_path / "state") as engine:
        for name in ("ada", "bob"):
            state = {"CLIPPER_SLS_STATE_DIR": str(engine.state_dir)}
            deployed = _deploy(lambda *a, state=state, **v: alone(*a, **v, **state), name, tmp_path / f"{name}.pem")
            assert deployed.code == 0, deployed.err


def test_a_wrong_key_in_the_settings_is_told_at_the_start(alone: Any, tmp_path: Path) -> None:
    ended = alone("dev", "--state-dir", str(tmp_path), CLIPPER_SLS_TRUSTED_KEYS="ed25519:x")
    assert ended.code == 2
    assert "'ed25519:x' is no public key" in ended.err
