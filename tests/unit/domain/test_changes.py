"""Any sequence of management operations, against a model of a few lines."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.adapters.local.memory_registry import MemoryRegistry
from clipper_sls.domain import changes
from clipper_sls.domain.changes import Change
from clipper_sls.domain.endpoint import Endpoint
from clipper_sls.domain.identifiers import AppName, ModelId, ModelName, Version
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import Application, ModelVersion, RegistrySnapshot, Scaling
from clipper_sls.domain.serving import Serving
from clipper_sls.errors import (
    ApplicationExistsError,
    ClipperError,
    ContainerlessModelError,
    IncompatibleInputTypeError,
    InvalidSettingError,
    LinkExistsError,
    UnknownApplicationError,
    UnknownLinkError,
    UnknownModelError,
    UnknownVersionError,
    VersionContentError,
    VersionExistsError,
)

Decision = Callable[[RegistrySnapshot], Sequence[Change]]
SHOP, BANK = AppName("shop"), AppName("bank")
PRICE, RISK = ModelName("price"), ModelName("risk")


def application(name: AppName = SHOP, kind: InputType = InputType.DOUBLES) -> Application:
    return Application(name, kind, "0", 1000)


def version(number: int = 1, model: ModelName = PRICE, kind: InputType = InputType.DOUBLES, digest: str | None = "d"):
    return ModelVersion(ModelId.of(model, number), kind, bundle_digest=digest, registered_at=float(number))


def after(*decisions: Decision) -> RegistrySnapshot:
    async def run() -> RegistrySnapshot:
        registry = MemoryRegistry()
        snapshot = await registry.snapshot()
        for decide in decisions:
            snapshot = await registry.commit(decide(snapshot), snapshot.revision)
        return snapshot

    return asyncio.run(run())


def add_app(app: Application) -> Decision:
    return lambda snapshot: changes.register_application(snapshot, app)


def add(wanted: ModelVersion, make_current: bool = True) -> Decision:
    return lambda snapshot: changes.register_version(snapshot, wanted, make_current)


def link(app: AppName, model: ModelName) -> Decision:
    return lambda snapshot: changes.link_model(snapshot, app, (model,))


def switch(number: str, model: ModelName = PRICE) -> Decision:
    return lambda snapshot: changes.set_current(snapshot, model, Version(number), 99.0)


def test_a_new_version_is_current_at_once() -> None:
    assert after(add(version(1)), add(version(2))).current(PRICE) == version(2)


def test_a_version_may_be_added_without_becoming_current() -> None:
    assert after(add(version(1)), add(version(2), make_current=False)).current(PRICE) == version(1)


def test_rolling_back_leads_through_the_versions_that_answered_before() -> None:
    snapshot = after(add(version(1)), add(version(2)), add(version(3)), switch("1"))
    assert changes.previous_version(snapshot, PRICE) == "3"


def test_rolling_back_passes_over_deleted_versions() -> None:
    decide = lambda snapshot: changes.delete_version(snapshot, ModelId.of("price", 2))  # noqa: E731
    snapshot = after(add(version(1)), add(version(2)), add(version(3)), decide)
    assert changes.previous_version(snapshot, PRICE) == "1"


def test_with_one_version_there_is_nothing_to_roll_back_to() -> None:
    with pytest.raises(UnknownVersionError):
        changes.previous_version(after(add(version(1))), PRICE)


def test_switching_to_the_current_version_changes_nothing() -> None:
    assert changes.set_current(after(add(version(1))), PRICE, Version("1"), 9.0) == ()


def test_deleting_the_current_version_leaves_none_current_and_the_link_in_place() -> None:
    decide = lambda snapshot: changes.delete_version(snapshot, ModelId.of("price", 1))  # noqa: E731
    snapshot = after(add_app(application()), add(version(1)), link(SHOP, PRICE), decide)
    assert (snapshot.current(PRICE), snapshot.linked(SHOP)) == (None, (PRICE,))


def test_deleting_an_application_deletes_its_links() -> None:
    decide = lambda snapshot: changes.delete_application(snapshot, SHOP)  # noqa: E731
    snapshot = after(add_app(application()), add(version(1)), link(SHOP, PRICE), decide)
    assert (snapshot.applications, snapshot.links) == ({}, {})


UNCACHED = Serving(is_cached=False)
LINKED = (add_app(application()), add(version(1)), link(SHOP, PRICE))
REFUSED = [
    ("an application twice", (add_app(application()),), add_app(application()), ApplicationExistsError),
    ("no such application", (), lambda s: changes.delete_application(s, SHOP), UnknownApplicationError),
    ("link without application", (add(version(1)),), link(SHOP, PRICE), UnknownApplicationError),
    ("link without model", (add_app(application()),), link(SHOP, PRICE), UnknownModelError),
    ("link twice", LINKED, link(SHOP, PRICE), LinkExistsError),
    ("two models", (*LINKED, add(version(1, RISK))), link(SHOP, RISK), LinkExistsError),
    ("no models", LINKED, lambda s: changes.link_model(s, SHOP, ()), InvalidSettingError),
    ("two at once", LINKED, lambda s: changes.link_model(s, SHOP, (PRICE, RISK)), InvalidSettingError),
    ("link of another type", (add_app(application(kind=InputType.STRINGS)), add(version(1))), link(SHOP, PRICE),
     IncompatibleInputTypeError),
    ("version of another type", LINKED, add(version(2, kind=InputType.STRINGS)), IncompatibleInputTypeError),
    ("unlink what is not linked", (add_app(application()),), lambda s: changes.unlink_models(s, SHOP, (PRICE,)),
     UnknownLinkError),
    ("version twice", (add(version(1)),), add(version(1)), VersionExistsError),
    ("version with other content", (add(version(1)),), add(version(1, digest="e")), VersionContentError),
    ("version with other options", (add(version(1)),), add(replace(version(1), serving=UNCACHED)), VersionContentError),
    ("switch to unknown model", (), switch("1"), UnknownModelError),
    ("switch to unknown version", (add(version(1)),), switch("2"), UnknownVersionError),
    ("delete unknown version", (), lambda s: changes.delete_version(s, ModelId.of("price", 1)), UnknownVersionError),
    ("scale unknown", (), lambda s: changes.scale_version(s, ModelId.of("price", 1), Scaling(1, 1)),
     UnknownVersionError),
    ("scale containerless", (add(version(1, digest=None)),),
     lambda s: changes.scale_version(s, ModelId.of("price", 1), Scaling(1, 1)), ContainerlessModelError),
]  # fmt: skip


@pytest.mark.parametrize(("name", "before", "refused", "error"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_makes_no_sense_is_refused(name: str, before, refused: Decision, error: type[ClipperError]) -> None:
    with pytest.raises(error):
        refused(after(*before))


def test_a_version_with_other_options_is_refused_with_those_it_has() -> None:
    with pytest.raises(VersionContentError, match=r"other options \(it has cache=True\)"):
        changes.check_version_is_new(after(add(version(1))), replace(version(1), serving=UNCACHED))


def test_a_version_at_another_url_is_refused() -> None:
    elsewhere = replace(version(1, digest=None), endpoint=Endpoint("http://one"))
    with pytest.raises(VersionContentError, match="at another url"):
        changes.check_version_is_new(after(add(elsewhere)), replace(elsewhere, endpoint=Endpoint("http://other")))
    with pytest.raises(VersionExistsError):
        changes.check_version_is_new(after(add(elsewhere)), elsewhere)


def test_a_version_does_not_run_here_and_elsewhere() -> None:
    with pytest.raises(InvalidSettingError, match="not at both"):
        replace(version(1), endpoint=Endpoint("http://one"))


APPS, MODELS = st.sampled_from([SHOP, BANK]), st.sampled_from([PRICE, RISK])
NUMBERS = st.integers(1, 3)
OPERATIONS = st.one_of(
    st.builds(lambda app: add_app(application(app)), APPS),
    st.builds(lambda app: lambda s: changes.delete_application(s, app), APPS),
    st.builds(link, APPS, MODELS),
    st.builds(lambda app, model: lambda s: changes.unlink_models(s, app, (model,)), APPS, MODELS),
    st.builds(lambda number, model, current: add(version(number, model), current), NUMBERS, MODELS, st.booleans()),
    st.builds(lambda number, model: switch(str(number), model), NUMBERS, MODELS),
    st.builds(lambda number, model: lambda s: changes.delete_version(s, ModelId.of(model, number)), NUMBERS, MODELS),
)


@given(st.lists(OPERATIONS, max_size=30))
def test_whatever_is_done_what_is_registered_makes_sense(operations: list[Decision]) -> None:
    def unless_refused(decide: Decision) -> Decision:
        def decided(snapshot: RegistrySnapshot) -> Sequence[Change]:
            try:
                return decide(snapshot)
            except ClipperError:
                return ()

        return decided

    snapshot = after(*map(unless_refused, operations))
    assert all(app in snapshot.applications and len(models) == 1 for app, models in snapshot.links.items())
    assert all(snapshot.current(model) is not None for model in snapshot.currents)
    for model, current in snapshot.currents.items():
        assert snapshot.current(model).id == ModelId(model, current.version)
