import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from clipper_sls.adapters.frontends.invoker import EngineInvoker
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.adapters.remote.remote_models import RemoteModels
from clipper_sls.domain.endpoint import Endpoint
from clipper_sls.domain.query import PackedRow, RowResult
from clipper_sls.domain.records import RegistrySnapshot
from clipper_sls.testing.contracts.model_invoker import (
    ABSENT,
    ADDER,
    FOREVER,
    SILENT,
    Behind,
    ModelInvokerContract,
    QueueingInvokerContract,
)
from clipper_sls.testing.fakes import RecordingMetrics
from clipper_sls.testing.frontends import linked
from clipper_sls.testing.http_model import HttpModelServer, http_model_server
from clipper_sls.testing.lambda_functions import (
    InvokerOfFunctions,
    aws_client,
    create_proxied_function,
    lambda_invoker,
)
from clipper_sls.testing.ministack import MiniStackUnderTest


class TestWhatTheOthersAsk(QueueingInvokerContract):
    @pytest.fixture
    def invoker(self, behind: Behind) -> Behind:
        return behind


class TestEngineInvoker(QueueingInvokerContract):
    @pytest.fixture
    async def invoker(self, behind: Behind) -> AsyncIterator[EngineInvoker]:
        async with linked(behind, RegistrySnapshot.of(1, [ADDER, ABSENT, SILENT])) as both:
            yield both.engine.invoker


class TestRemoteModels(ModelInvokerContract):
    @pytest.fixture
    async def invoker(self, behind: Behind) -> AsyncIterator[RemoteModels]:
        known = {f"/{version.id.name}": version for version in (ADDER, SILENT)}

        async def answer(path: str, rows: Sequence[PackedRow]) -> Sequence[RowResult]:
            return await behind.invoke(known[path], rows, FOREVER)

        models = RemoteModels(clock=SystemClock(), metrics=RecordingMetrics(), drain_timeout_s=0.0)
        async with http_model_server(answer) as server:
            for path, version in known.items():
                await models.start(replace(version, endpoint=Endpoint.parse(server.url + path)))
            yield models
            await models.close()


class TestLambdaInvoker(ModelInvokerContract):
    """Of a server that has the API of Lambda for one function after the other."""

    @pytest.fixture
    async def invoker(self, behind: Behind) -> AsyncIterator[InvokerOfFunctions]:
        known = {
            f"/2015-03-31/functions/{version.id.name}/invocations?Qualifier=v-1": version
            for version in (ADDER, ABSENT, SILENT)
        }

        async def answer(path: str, rows: Sequence[PackedRow]) -> Sequence[RowResult]:
            return await behind.invoke(known[path], rows, FOREVER)

        async with http_model_server(answer) as server, aws_client(server.url) as client:
            yield InvokerOfFunctions(lambda_invoker(client, RecordingMetrics()))


class TestLambdaInvokerOfMiniStack(ModelInvokerContract):
    """Which asks the server behind it. As AWS, it does not tell a function that whoever asked has gone."""

    @pytest.fixture
    async def server(self, behind: Behind) -> AsyncIterator[HttpModelServer]:
        known = {f"/{version.id.name}": version for version in (ADDER, SILENT)}

        async def answer(path: str, rows: Sequence[PackedRow]) -> Sequence[RowResult]:
            return await behind.invoke(known[path], rows, FOREVER)

        async with http_model_server(answer) as server:
            yield server

    @pytest.fixture
    async def invoker(
        self, shared_ministack: MiniStackUnderTest, server: HttpModelServer
    ) -> AsyncIterator[InvokerOfFunctions]:
        names = {str(version.id.name): f"{version.id.name}-{secrets.token_hex(4)}" for version in (ADDER, SILENT)}
        for name, function in names.items():
            create_proxied_function(shared_ministack.url, function, f"{server.url}/{name}")
        async with aws_client(shared_ministack.url) as client:
            yield InvokerOfFunctions(lambda_invoker(client, RecordingMetrics()), names)

    async def test_what_is_cancelled_is_abandoned(self, invoker: InvokerOfFunctions, behind: Behind) -> None:
        asking = asyncio.ensure_future(invoker.invoke(SILENT, [b"x"], FOREVER))
        async with asyncio.timeout(20):
            await behind.is_asked_silently.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert behind.silent is not None
        behind.silent.set_result([])  # so that MiniStack's thread ends
