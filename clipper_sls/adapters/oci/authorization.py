"""From a registry's challenge to an Authorization header: basic, or a token from its token server.

Distribution specification, "Token Authentication"; RFC 6750, RFC 7235.
"""

import re
from dataclasses import dataclass

import httpx2
import msgspec

from clipper_sls.adapters.oci.credentials import Credentials
from clipper_sls.image_errors import RegistryRefusedError

CLIENT_ID = "clipper-sls"
_PARAMETER = re.compile(r'([A-Za-z_]+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Challenge:
    """A WWW-Authenticate header."""

    scheme: str  # "basic", "bearer"
    parameters: dict[str, str]

    @classmethod
    def parse(cls, header: str) -> "Challenge":
        scheme, _, rest = header.strip().partition(" ")
        return cls(scheme.lower(), dict(_PARAMETER.findall(rest)))


class _TokenAnswer(msgspec.Struct):
    token: str = ""
    access_token: str = ""


def authorization(challenge: Challenge, credentials: Credentials | None, client: httpx2.Client, registry: str) -> str:
    """The header's value that answers `challenge`. Raises RegistryRefusedError when there is none.

    httpx2.HTTPError when the token server breaks off.
    """
    if challenge.scheme == "bearer" and "realm" in challenge.parameters:
        return f"Bearer {_token(challenge, credentials, client, registry)}"
    if challenge.scheme == "basic" and credentials is not None and credentials.username:
        return credentials.basic
    raise RegistryRefusedError(f"The registry {registry} asks who you are. Try: docker login {registry}")


def _token(challenge: Challenge, credentials: Credentials | None, client: httpx2.Client, registry: str) -> str:
    realm = challenge.parameters["realm"]
    asked = {name: value for name in ("service", "scope") if (value := challenge.parameters.get(name))}
    if credentials is not None and credentials.identity_token:
        form = {**asked, "grant_type": "refresh_token", "client_id": CLIENT_ID}
        response = client.post(realm, data={**form, "refresh_token": credentials.identity_token})
    else:
        headers = {"Authorization": credentials.basic} if credentials is not None else {}
        response = client.get(realm, params={**asked, "client_id": CLIENT_ID}, headers=headers)
    if response.is_server_error:
        raise httpx2.RemoteProtocolError(f"the token server {realm} answered {response.status_code}")
    try:
        answer = msgspec.json.decode(response.content, type=_TokenAnswer)
    except msgspec.MsgspecError:
        answer = _TokenAnswer()
    if response.is_error or not (token := answer.token or answer.access_token):
        raise RegistryRefusedError(
            f"The token server {realm} of the registry {registry} gave no token ({response.status_code}) "
            f"for {asked.get('scope', 'it')}. Try: docker login {registry}"
        )
    return token
