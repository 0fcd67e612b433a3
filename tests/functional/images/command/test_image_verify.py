"""`image verify` as a command: a real function, all of its packages and those of the server, a real registry."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clipper_sls.domain.trust import PublicKey
from clipper_sls.testing.signing import OTHER_KEY

Command = Callable[..., "subprocess.CompletedProcess[str]"]
Built = tuple[dict[str, Any], Path]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_an_image_as_it_was_built_is_what_it_says(built: Built, command: Command) -> None:
    done = command("verify", built[0]["reference"], "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert {check["outcome"] for check in document["checks"]} == {"agrees"}
    assert (document["verified"], document["digest"]) == (True, built[0]["digest"])


def test_it_is_shown_as_a_table(built: Built, command: Command) -> None:
    done = command("verify", built[1])
    assert done.returncode == 0, done.stderr
    assert "layer server" in done.stdout
    assert f"is what it says, {built[0]['digest']}" in done.stderr


def test_what_differs_is_an_error_with_a_code(built: Built, command: Command, tmp_path: Path, project: Path) -> None:
    """Nobody here has made the key, so nobody here trusts it."""
    stranger = PublicKey(OTHER_KEY.verify_key.encode())
    done = command("verify", built[1], "--json", "--key", stranger, CLIPPER_SLS_SIGNING_KEY=str(tmp_path / "none.pem"))
    assert done.returncode == 5, done.stderr
    error = json.loads(done.stderr)
    assert error["code"] == "image_differs"
    assert "a key that is not trusted here" in error["error"]
    assert json.loads(done.stdout)["verified"] is False
