"""Who asks: registries that want a password, and registries that send to a token server."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from clipper_sls.adapters.oci.credentials import Credentials
from clipper_sls.adapters.oci.layout import Layout
from clipper_sls.adapters.oci.registries import Registries
from clipper_sls.adapters.oci.repository import Repository
from clipper_sls.domain.image import media_types
from clipper_sls.domain.image.digests import Descriptor
from clipper_sls.domain.image.documents import descriptor_of
from clipper_sls.domain.image.references import Reference
from clipper_sls.image_errors import RegistryRefusedError
from clipper_sls.testing.docker_registry import DockerRegistryUnderTest, docker_registry
from clipper_sls.testing.faulty_proxy import Answer, Fault, FaultyProxy

Connect = Callable[..., Repository]
PASSWORDS = "ali:$2b$04$EjPq/Nn4ob.6s0XYP6ee6.6ZdQpuRcJsk4n1ii/RbvCe8PJ4odVAC\n"
ALI = Credentials("ali", "open sesame")


@pytest.fixture(scope="module")
def locked(registry_is_installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistryUnderTest]:
    with docker_registry(tmp_path_factory.mktemp("locked"), PASSWORDS) as running:
        yield running


@pytest.fixture
def blob(layout: Layout) -> Descriptor:
    layout.keep([b"content"])
    return descriptor_of(b"content", media_types.LAYER_GZIP)


def test_a_password_opens_the_registry(
    locked: DockerRegistryUnderTest, connect: Connect, layout: Layout, name: str, blob: Descriptor
) -> None:
    repository = connect(locked.host, name, credentials=ALI)
    assert repository.push(blob, layout)
    assert repository.has(blob)


def test_a_login_that_is_handed_in_wins_over_what_docker_knows(
    locked: DockerRegistryUnderTest, layout: Layout, name: str, blob: Descriptor, tmp_path: Path
) -> None:
    reference = Reference.parse(f"{locked.host}/{name}:1")
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"auths": {locked.host: {"auth": base64.b64encode(b"ali:x").decode()}}}))
    with Registries(docker_config=config, pause=lambda seconds: None, logins={locked.host: ALI}) as registries:
        assert registries.repository(reference).push(blob, layout)


@pytest.mark.parametrize(("credentials", "who"), [(None, "asks who you are"), (Credentials("ali", "x"), "'ali'")])
def test_who_may_not_is_told_to_log_in(
    locked: DockerRegistryUnderTest,
    connect: Connect,
    layout: Layout,
    name: str,
    blob: Descriptor,
    credentials: Credentials | None,
    who: str,
) -> None:
    with pytest.raises(RegistryRefusedError, match=f"{who}.*docker login {locked.host}"):
        connect(locked.host, name, credentials=credentials).push(blob, layout)


def test_a_secret_is_never_printed() -> None:
    assert "sesame" not in repr(ALI)


class _TokenServer(HTTPServer):
    """Notes what it is asked, and gives tokens."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Tokens)
        self.asked: list[dict[str, list[str]]] = []
        self.users: list[str | None] = []
        self.status = 200

    @property
    def challenge(self) -> tuple[str, str]:
        realm = f"http://127.0.0.1:{self.server_address[1]}/token"
        return "WWW-Authenticate", f'Bearer realm="{realm}",service="tests",scope="repository:digits:pull,push"'


class _Tokens(BaseHTTPRequestHandler):
    server: _TokenServer

    def do_GET(self) -> None:
        self.server.asked.append(parse_qs(urlsplit(self.path).query))
        self._answer("token")

    def do_POST(self) -> None:
        self.server.asked.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        self._answer("access_token")

    def _answer(self, field: str) -> None:
        self.server.users.append(self.headers.get("Authorization"))
        content = json.dumps({field: f"token-{len(self.server.asked)}", "expires_in": 60}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def tokens() -> Iterator[_TokenServer]:
    with _TokenServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_token_is_fetched_with_the_password_and_renewed_when_it_has_expired(
    proxy: FaultyProxy, tokens: _TokenServer, connect: Connect, layout: Layout, name: str, blob: Descriptor
) -> None:
    repository = connect(proxy.host, name, credentials=ALI)
    proxy.fail(Fault("HEAD", "/blobs/", Answer(401, (tokens.challenge,))))
    proxy.fail(Fault("PUT", "/blobs/", Answer(401, (tokens.challenge,))))
    assert repository.push(blob, layout)
    expected = {"service": ["tests"], "scope": ["repository:digits:pull,push"], "client_id": ["clipper-sls"]}
    assert tokens.asked == [expected, expected]
    assert tokens.users == ["Basic " + base64.b64encode(b"ali:open sesame").decode()] * 2
    assert proxy.authorizations == ["Bearer token-1"] * 3 + ["Bearer token-2"]


def test_an_identity_token_is_exchanged(
    proxy: FaultyProxy, tokens: _TokenServer, connect: Connect, layout: Layout, name: str, blob: Descriptor
) -> None:
    proxy.fail(Fault("HEAD", "/blobs/", Answer(401, (tokens.challenge,))))
    connect(proxy.host, name, credentials=Credentials(identity_token="idem")).push(blob, layout)
    assert tokens.asked[0]["grant_type"] == ["refresh_token"]
    assert tokens.asked[0]["refresh_token"] == ["idem"]
    assert set(proxy.authorizations) == {"Bearer token-1"}


def test_a_token_server_that_refuses_is_named(
    proxy: FaultyProxy, tokens: _TokenServer, connect: Connect, layout: Layout, name: str, blob: Descriptor
) -> None:
    tokens.status = 403
    proxy.fail(Fault("HEAD", "/blobs/", Answer(401, (tokens.challenge,))))
    with pytest.raises(RegistryRefusedError, match=r"gave no token \(403\) for repository:digits:pull,push"):
        connect(proxy.host, name, credentials=ALI).push(blob, layout)


def test_a_refusal_says_what_was_refused(proxy: FaultyProxy, connect: Connect, name: str, blob: Descriptor) -> None:
    proxy.fail(Fault("HEAD", "/blobs/", Answer(403)))
    with pytest.raises(RegistryRefusedError, match="somebody who has not logged in not say whether it has sha256"):
        connect(proxy.host, name).has(blob)


def test_a_password_is_not_sent_to_another_host(
    proxy: FaultyProxy, registry: DockerRegistryUnderTest, connect: Connect, layout: Layout, name: str, tmp_path: Path
) -> None:
    """As when a registry keeps its blobs in object storage, and sends there."""
    blob = descriptor_of(b"content", media_types.LAYER_GZIP)
    layout.keep([b"content"])
    connect(registry.host, name).push(blob, layout)
    from clipper_sls.testing.faulty_proxy import faulty_proxy

    with faulty_proxy(registry.host) as storage:
        repository = connect(proxy.host, name, credentials=ALI)
        proxy.fail(Fault("GET", "/blobs/", Answer(401, (("WWW-Authenticate", 'Basic realm="x"'),))))
        proxy.fail(
            Fault(
                "GET", "/blobs/", Answer(307, (("Location", f"http://{storage.host}/v2/{name}/blobs/{blob.digest}"),))
            )
        )
        pulled = Layout(tmp_path / "pulled")
        repository.pull(blob, pulled)
        assert pulled.has(blob)
        assert proxy.authorizations == [ALI.basic]
        assert storage.authorizations == []
