"""Who we are to a registry: what `docker login` left in `~/.docker/config.json`, credential helpers included."""

import base64
import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clipper_sls.domain.image.references import DEFAULT_REGISTRY
from clipper_sls.image_errors import RegistryRefusedError

HELPER_LIMIT_S = 30.0
DOCKER_HUB_KEY = "https://index.docker.io/v1/"
TOKEN_USERNAME = "<token>"  # noqa: S105 - how a helper says that its secret is an identity token
_HELPER_NAME = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name with its password, or an identity token. Prints without its secrets."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The value of an Authorization header."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


def docker_config_path(variables: Mapping[str, str] = os.environ) -> Path:
    """Where Docker's tools keep it."""
    return Path(variables.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"


def credentials_for(registry: str, config_path: Path) -> Credentials | None:
    """What is known for `registry` ("host" or "host:port"); None when nobody has logged in.

    Raises RegistryRefusedError when the file or a helper that it names is of no use.
    """
    config = _read(config_path)
    helper = _mapping(config, "credHelpers").get(registry) or config.get("credsStore")
    if helper and (found := _ask_helper(str(helper), _key(registry))) is not None:
        return found
    entries = _mapping(config, "auths")
    for name in (_key(registry), registry, f"https://{registry}", f"http://{registry}"):
        if isinstance(entry := entries.get(name), dict) and entry:
            return _from_entry(entry, name, config_path)
    return None


def _key(registry: str) -> str:
    return DOCKER_HUB_KEY if registry == DEFAULT_REGISTRY else registry


def _read(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RegistryRefusedError(f"Docker's configuration {path} cannot be read: {error}. Mend or move it") from error
    return config if isinstance(config, dict) else {}


def _mapping(config: dict[str, Any], name: str) -> dict[str, Any]:
    value = config.get(name)
    return value if isinstance(value, dict) else {}


def _from_entry(entry: dict[str, Any], name: str, path: Path) -> Credentials | None:
    if token := entry.get("identitytoken"):
        return Credentials(identity_token=str(token))
    try:
        username, colon, password = base64.b64decode(entry.get("auth", ""), validate=True).decode().partition(":")
    except ValueError as error:
        raise RegistryRefusedError(f"The entry for {name} in {path} cannot be read: try docker login {name}") from error
    return Credentials(username, password.rstrip("\0")) if colon else None


def _ask_helper(name: str, key: str) -> Credentials | None:
    """Docker's credential helper protocol: the server's name in, JSON out; a failure means that it knows nothing."""
    if not _HELPER_NAME.fullmatch(name):
        raise RegistryRefusedError(f"{name!r} is no name of a credential helper; see Docker's configuration")
    program = f"docker-credential-{name}"
    try:
        result = subprocess.run(  # noqa: S603 - the user's configuration names it
            [program, "get"], input=key.encode(), capture_output=True, timeout=HELPER_LIMIT_S, check=False
        )
        answer = json.loads(result.stdout) if result.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise RegistryRefusedError(f"The credential helper {program} failed for {key}: {error}") from error
    if not isinstance(answer, dict) or not answer.get("Secret"):
        return None
    username, secret = str(answer.get("Username", "")), str(answer["Secret"])
    return Credentials(identity_token=secret) if username == TOKEN_USERNAME else Credentials(username, secret)
