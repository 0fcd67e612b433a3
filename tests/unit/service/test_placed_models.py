"""A version is asked, started and stopped where it runs."""

from dataclasses import replace

from clipper_sls.domain.endpoint import Endpoint
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.query import Deadline, OutputJson, Predicted
from clipper_sls.domain.records import ModelVersion, Scaling
from clipper_sls.service.placed_models import PlacedModels
from clipper_sls.testing.fakes import FakeInvoker, FakeModelHost

HERE = ModelVersion(ModelId.of("here", 1), InputType.BYTES, bundle_digest="a" * 64, scaling=Scaling(1, 1))
ELSEWHERE = ModelVersion(ModelId.of("elsewhere", 1), InputType.BYTES, endpoint=Endpoint("http://127.0.0.1:1"))
SOON = Deadline(1.0)


class Place(FakeModelHost, FakeInvoker):
    """Hosts, and answers every row with its own name."""

    def __init__(self, name: bytes) -> None:
        FakeModelHost.__init__(self)
        FakeInvoker.__init__(self)
        self.models = dict.fromkeys((HERE.id, ELSEWHERE.id), lambda row: Predicted(OutputJson(name)))


async def test_the_version_says_where() -> None:
    here, elsewhere = Place(b"1"), Place(b"2")
    models = PlacedModels(here=here, elsewhere=elsewhere)
    await models.start(HERE)
    await models.resume(replace(HERE, id=ModelId.of("here", 2)))
    await models.start(ELSEWHERE)
    assert [[str(pool.model) for pool in place.pools()] for place in (here, elsewhere, models)] == [
        ["here:1", "here:2"],
        ["elsewhere:1"],
        ["here:1", "here:2", "elsewhere:1"],
    ]
    for version, output in ((HERE, b"1"), (ELSEWHERE, b"2")):
        assert await models.invoke(version, [b"x"], SOON) == [Predicted(OutputJson(output))]
    await models.stop(HERE.id)
    await models.stop(ELSEWHERE.id)
    assert [str(pool.model) for pool in models.pools()] == ["here:2"]


async def test_a_version_elsewhere_is_asked_again_after_a_restart() -> None:
    models = PlacedModels(here=Place(b"1"), elsewhere=(elsewhere := Place(b"2")))
    await models.resume(ELSEWHERE)
    assert ELSEWHERE.id in elsewhere.hosted
