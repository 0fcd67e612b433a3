"""Who is let in, and what the others are told; no server needed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from clipper_sls.errors import ForbiddenError, UnauthorizedError
from clipper_sls.http.access import AccessGuard, check_access

TOKEN = "s3cret-token"


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:1338", "127.0.0.1", "127.0.0.1:1338", "127.9.9.9:80", "[::1]", "[::1]:1338"],
)
def test_addresses_of_this_machine_are_let_in(host: str) -> None:
    check_access(Headers({"host": host}), None)


@pytest.mark.parametrize(
    "host",
    [
        "rebound.example",
        "rebound.example:1338",
        "127.0.0.1.rebound.example",
        "localhost.rebound.example",
        "notlocalhost",
        "user@rebound.example",
        "127.0.0.1@rebound.example",
        "192.0.2.7:1338",
        "0.0.0.0:1338",
        "[::2]",
        "[::1",
        "[rebound.example]",
        ":1338",
        "::1",
    ],
)
def test_any_other_host_is_a_page_that_was_rebound(host: str) -> None:
    with pytest.raises(ForbiddenError, match="use the engine's address"):
        check_access(Headers({"host": host}), None)


def test_a_client_that_is_no_browser_may_leave_the_host_out() -> None:
    check_access(Headers(), None)


@pytest.mark.parametrize("token", [None, TOKEN])
@pytest.mark.parametrize(
    "origin",
    [
        "https://page.example",
        "http://localhost",
        "http://localhost:1337",
        "http://localhost:1338.page.example",
        "http://page.example/localhost:1338",
        "null",
        "file://",
        "localhost:1338",
        "",
    ],
)
def test_pages_of_another_origin_are_kept_out_with_and_without_a_token(origin: str, token: str | None) -> None:
    headers = {"host": "localhost:1338", "origin": origin, "authorization": f"Bearer {TOKEN}"}
    with pytest.raises(ForbiddenError, match="web pages"):
        check_access(Headers(headers), token)


@pytest.mark.parametrize("token", [None, TOKEN])
def test_our_own_documents_may_ask(token: str | None) -> None:
    headers = {"host": "localhost:1338", "origin": "http://localhost:1338", "authorization": f"Bearer {TOKEN}"}
    check_access(Headers(headers), token)


@pytest.mark.parametrize(
    "given_header",
    [None, "", TOKEN, "Bearer", "Bearer ", f"bearer {TOKEN}", f"Basic {TOKEN}", f"Bearer {TOKEN} ", f"Bearer  {TOKEN}"],
)
def test_only_the_exact_token_counts(given_header: str | None) -> None:
    headers = {} if given_header is None else {"authorization": given_header}
    with pytest.raises(UnauthorizedError, match="management-token") as raised:
        check_access(Headers(headers), TOKEN)
    assert TOKEN not in raised.value.msg


@given(st.binary(max_size=60))
def test_no_bytes_but_the_token_are_let_in_and_none_make_it_stumble(value: bytes) -> None:
    headers = Headers(raw=[(b"authorization", value)])
    if value == f"Bearer {TOKEN}".encode():
        check_access(headers, TOKEN)
    else:
        with pytest.raises(UnauthorizedError):
            check_access(headers, TOKEN)


@given(st.binary(max_size=60), st.none() | st.binary(max_size=60))
def test_no_host_and_no_origin_make_it_stumble(host: bytes, origin: bytes | None) -> None:
    raw = [(b"host", host)] if origin is None else [(b"host", host), (b"origin", origin)]
    try:
        check_access(Headers(raw=raw), None)
    except ForbiddenError:
        return
    assert origin is None or origin.endswith(host)


class Inner:
    """The application behind the guard."""

    def __init__(self) -> None:
        self.reached: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.reached.append(scope.get("path", scope["type"]))


async def _ask(path: str, *, token: str | None, headers: dict[str, str], kind: str = "http") -> tuple[Inner, list]:
    inner, sent = Inner(), []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": kind, "path": path, "method": "POST", "headers": Headers(headers).raw}
    await AccessGuard(inner, token=token)(scope, receive, send)
    return inner, sent


async def test_who_is_let_in_reaches_the_application() -> None:
    inner, sent = await _ask("/admin/x", token=TOKEN, headers={"authorization": f"Bearer {TOKEN}"})
    assert (inner.reached, sent) == (["/admin/x"], [])


async def test_who_is_not_is_told_how_and_does_not_reach_it() -> None:
    inner, (start, body) = await _ask("/admin/x", token=TOKEN, headers={})
    answered = Headers(raw=start["headers"])
    assert (inner.reached, start["status"]) == ([], 401)
    assert (answered["www-authenticate"], answered["x-clipper-error-code"]) == ("Bearer", UnauthorizedError.code)
    assert b"CLIPPER_SLS_MANAGEMENT_TOKEN" in body["body"]


async def test_a_page_is_not_asked_for_a_token() -> None:
    inner, (start, _) = await _ask("/admin/x", token=None, headers={"host": "rebound.example"})
    answered = Headers(raw=start["headers"])
    assert (inner.reached, start["status"]) == ([], 403)
    assert "www-authenticate" not in answered
    assert answered["x-clipper-error-code"] == ForbiddenError.code


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_health_is_free_of_it(path: str) -> None:
    inner, _ = await _ask(path, token=TOKEN, headers={"origin": "https://page.example"})
    assert inner.reached == [path]


@pytest.mark.parametrize("path", ["/livez/", "//livez", "/LIVEZ", "/livez/../admin/x", "/readyz/x"])
async def test_only_the_health_paths_themselves_are(path: str) -> None:
    inner, _ = await _ask(path, token=TOKEN, headers={})
    assert inner.reached == []


async def test_the_start_of_the_server_passes() -> None:
    inner, _ = await _ask("", token=TOKEN, headers={}, kind="lifespan")
    assert inner.reached == [""]
