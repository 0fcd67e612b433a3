from collections.abc import AsyncIterator

import pytest

from clipper_sls.adapters.frontends.invoker import EngineInvoker
from clipper_sls.domain.records import RegistrySnapshot
from clipper_sls.testing.contracts.model_invoker import ABSENT, ADDER, SILENT, Behind, ModelInvokerContract
from clipper_sls.testing.frontends import linked


class TestWhatTheOthersAsk(ModelInvokerContract):
    @pytest.fixture
    def invoker(self, behind: Behind) -> Behind:
        return behind


class TestEngineInvoker(ModelInvokerContract):
    @pytest.fixture
    async def invoker(self, behind: Behind) -> AsyncIterator[EngineInvoker]:
        async with linked(behind, RegistrySnapshot.of(1, [ADDER, ABSENT, SILENT])) as both:
            yield both.engine.invoker
