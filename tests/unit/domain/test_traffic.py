from dataclasses import replace

import pytest

from clipper_sls.domain.changes import Delete, Put, delete_version, set_current
from clipper_sls.domain.functions.published import PublishedFunction
from clipper_sls.domain.identifiers import AppName, ModelId, ModelName, Version
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import (
    Application,
    Canary,
    Current,
    Link,
    ModelVersion,
    Record,
    RegistrySnapshot,
    Switch,
)
from clipper_sls.domain.traffic import Answering, answering, set_canary, shares
from clipper_sls.errors import (
    ContainerlessModelError,
    IncompatibleInputTypeError,
    InvalidSettingError,
    UnknownModelError,
    UnknownVersionError,
)

PRICE = ModelName("price")
ONE, TWO = (ModelVersion(ModelId.of("price", version), InputType.DOUBLES) for version in (1, 2))
CURRENT = Current(PRICE, (Switch(TWO.id.version, 0.0),))
SHARED = replace(CURRENT, canary=Canary(ONE.id.version, 10.0))


def _at(*records: Record) -> RegistrySnapshot:
    return RegistrySnapshot.of(1, [ONE, TWO, *records])


def test_a_registered_version_gets_a_share_beside_the_current_one() -> None:
    assert set_canary(_at(CURRENT), PRICE, Version("1"), 10.0) == (Put(SHARED),)
    assert shares(_at(SHARED), PRICE) == (("2", 90.0), ("1", 10.0))
    assert shares(_at(CURRENT), PRICE) == (("2", 100.0),)
    assert answering(_at(SHARED), PRICE) == Answering(TWO, ONE, 0.1)


def test_a_share_that_is_there_already_changes_nothing() -> None:
    assert set_canary(_at(SHARED), PRICE, Version("1"), 10.0) == ()


def test_nothing_ends_it_and_so_does_every_switch() -> None:
    assert set_canary(_at(SHARED), PRICE, Version("1"), 0.0) == (Put(CURRENT),)
    assert set_canary(_at(CURRENT), PRICE, Version("1"), 0.0) == ()
    (switched,) = set_current(_at(SHARED), PRICE, Version("1"), 5.0)
    assert switched == Put(Current(PRICE, (*CURRENT.history, Switch(Version("1"), 5.0))))


def test_a_canary_that_is_deleted_leaves_all_to_the_current_version() -> None:
    assert delete_version(_at(SHARED), ONE.id) == (Delete(ONE), Put(CURRENT))


@pytest.mark.parametrize("percent", [-1.0, 100.0, 101.0, float("nan"), float("inf")])
def test_a_share_is_less_than_all(percent: float) -> None:
    with pytest.raises(InvalidSettingError, match="less than 100"):
        set_canary(_at(CURRENT), PRICE, Version("1"), percent)


def test_what_cannot_be_shared_is_refused() -> None:
    with pytest.raises(UnknownModelError, match="not registered"):
        set_canary(RegistrySnapshot(), PRICE, Version("1"), 10.0)
    with pytest.raises(UnknownModelError, match="no current version"):
        shares(_at(), PRICE)
    with pytest.raises(UnknownVersionError):
        set_canary(_at(CURRENT), PRICE, Version("3"), 10.0)
    with pytest.raises(InvalidSettingError, match="is current"):
        set_canary(_at(CURRENT), PRICE, Version("2"), 10.0)
    texts = replace(ONE, id=ModelId.of("price", "3"), input_type=InputType.STRINGS)
    linked = (Application(AppName("shop"), InputType.DOUBLES, "", 1), Link(AppName("shop"), PRICE))
    with pytest.raises(IncompatibleInputTypeError):
        set_canary(_at(CURRENT, texts, *linked), PRICE, Version("3"), 10.0)
    on_lambda = replace(ONE, function=PublishedFunction("st-model-price", "1", "v-1"))
    with pytest.raises(ContainerlessModelError, match="AWS Lambda"):
        set_canary(RegistrySnapshot.of(1, [on_lambda, TWO, CURRENT]), PRICE, Version("1"), 10.0)


def test_where_lambda_draws_nobody_else_does_and_no_answer_is_cached() -> None:
    one, two = (
        replace(version, function=PublishedFunction("st-model-price", version.id.version, f"v-{version.id.version}"))
        for version in (ONE, TWO)
    )
    snapshot = RegistrySnapshot.of(1, [one, two, SHARED])
    current = snapshot.current(PRICE)
    assert current is not None
    assert (current.serving.is_cached, snapshot.canaries) == (False, {})
    alone = RegistrySnapshot.of(1, [one, two, CURRENT]).current(PRICE)
    assert alone is not None
    assert alone.serving.is_cached
    assert _at(SHARED).canaries == {PRICE: (0.1, ONE)}
