import pytest

from clipper_sls.adapters.local.memory_registry import MemoryRegistry
from clipper_sls.domain.changes import Put
from clipper_sls.domain.functions.published import PublishedFunction
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import ModelVersion
from clipper_sls.domain.replicas import Health
from clipper_sls.service.registered_models import RegisteredModels
from clipper_sls.service.registry_view import RegistryView
from clipper_sls.testing.clock import ManualClock

FUNCTION = PublishedFunction("shop-model-sum", "1", "v-1")


@pytest.mark.parametrize(("function", "health"), [(FUNCTION, Health.ASLEEP), (None, Health.OFF)])
async def test_what_is_a_function_wakes_when_it_is_asked(function: PublishedFunction | None, health: Health) -> None:
    view = RegistryView(registry=MemoryRegistry(), clock=ManualClock())
    await view.commit(lambda _: [Put(ModelVersion(ModelId.of("sum", 1), InputType.DOUBLES, function=function))])
    (pool,) = RegisteredModels(view).pools()
    assert (pool.model, pool.health, pool.replicas) == (ModelId.of("sum", 1), health, ())
