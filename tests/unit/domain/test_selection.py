import pytest

from clipper_sls.domain.identifiers import AppName, ModelId, ModelName, Version
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import Application, Canary, Current, Link, ModelVersion, RegistrySnapshot, Switch
from clipper_sls.domain.selection import choose
from clipper_sls.errors import RequestedVersionError

SHOP, PRICE = AppName("shop"), ModelName("price")
APPLICATION = Application(SHOP, InputType.DOUBLES, "0", 1)
ONE, TWO = (ModelVersion(ModelId.of("price", version), InputType.DOUBLES) for version in (1, 2))
CURRENT_IS_TWO = Current(PRICE, (Switch(Version("2"), 0.0),))


def test_the_linked_models_current_version_answers() -> None:
    snapshot = RegistrySnapshot.of(1, [APPLICATION, ONE, TWO, Link(SHOP, PRICE), CURRENT_IS_TWO])
    assert choose(snapshot, SHOP, None) == TWO


def test_a_pinned_version_answers_though_it_is_not_current() -> None:
    snapshot = RegistrySnapshot.of(1, [APPLICATION, ONE, TWO, Link(SHOP, PRICE), CURRENT_IS_TWO])
    assert choose(snapshot, SHOP, "1") == ONE


def test_without_a_link_or_a_current_version_there_is_nobody_to_ask() -> None:
    assert choose(RegistrySnapshot.of(1, [APPLICATION, TWO, CURRENT_IS_TWO]), SHOP, None) is None
    assert choose(RegistrySnapshot.of(1, [APPLICATION, TWO, Link(SHOP, PRICE)]), SHOP, None) is None


@pytest.mark.parametrize("pinned", ["3", "No Name", ""])
def test_pinning_an_unknown_version_is_refused_with_clippers_text(pinned: str) -> None:
    snapshot = RegistrySnapshot.of(1, [APPLICATION, ONE, Link(SHOP, PRICE)])
    with pytest.raises(RequestedVersionError) as caught:
        choose(snapshot, SHOP, pinned)
    assert caught.value.msg == f"Requested version: {pinned} does not exist for model: price"


def test_pinning_without_a_link_is_refused() -> None:
    with pytest.raises(RequestedVersionError, match="no model linked"):
        choose(RegistrySnapshot.of(1, [APPLICATION]), SHOP, "1")


def test_a_canary_is_asked_as_often_as_it_should_be() -> None:
    shared = Current(PRICE, CURRENT_IS_TWO.history, Canary(ONE.id.version, 25.0))
    snapshot = RegistrySnapshot.of(1, [APPLICATION, ONE, TWO, Link(SHOP, PRICE), shared])
    draws = [choose(snapshot, SHOP, None, lambda number=number: number / 100) for number in range(100)]
    assert (draws.count(ONE), draws.count(TWO)) == (25, 75)
    assert choose(snapshot, SHOP, "2", lambda: 0.0) == TWO
    assert choose(snapshot, SHOP, None) == TWO
