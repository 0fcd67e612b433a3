from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from clipper_sls.http.in_process import answer_of
from clipper_sls.http.lazy_app import LazyApp
from clipper_sls.ports.request_forwarder import WholeRequest

REQUEST = WholeRequest("GET", "/", b"", [], b"")


async def test_it_is_built_by_the_first_request_and_no_other() -> None:
    built, prepared = list[str](), list[str]()

    def build() -> ASGIApp:
        built.append("app")
        return PlainTextResponse("hello")

    async def prepare() -> None:
        prepared.append("registry")

    app = LazyApp(build, before=prepare)
    assert built == []
    answers = [await answer_of(app, REQUEST) for _ in range(2)]
    assert [answer.body for answer in answers] == [b"hello", b"hello"]
    assert (built, prepared) == (["app"], ["registry", "registry"])
