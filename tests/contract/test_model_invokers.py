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
from clipper_sls.testing.http_model import http_model_server


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
