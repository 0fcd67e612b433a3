"""Settings of the server in an image."""

import pytest

from clipper_sls.config.model_server import ModelServerSettings
from clipper_sls.domain.serving import Batching
from clipper_sls.errors import InvalidSettingError


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ModelServerSettings.model_fields:
        monkeypatch.delenv(f"CLIPPER_SERVER_{name.upper()}", raising=False)


def test_a_container_listens_on_all_of_its_addresses_unless_it_is_told_otherwise() -> None:
    settings = ModelServerSettings.load(())
    assert (settings.host, settings.port, settings.replicas) == ("0.0.0.0", 8080, 1)


def test_variables_set_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPPER_SERVER_PORT", "9000")
    monkeypatch.setenv("CLIPPER_SERVER_BATCHING", "quantile")
    settings = ModelServerSettings.load(("CLIPPER_SERVER_PORT", "CLIPPER_SERVER_BATCHING", "PATH"))
    assert (settings.port, settings.batching) == (9000, Batching.QUANTILE)


def test_a_name_that_is_no_setting_is_a_misspelt_one() -> None:
    with pytest.raises(InvalidSettingError, match=r"no setting CLIPPER_SERVER_PROT; known are .*CLIPPER_SERVER_PORT"):
        ModelServerSettings.load(("CLIPPER_SERVER_PROT", "HOME"))


@pytest.mark.parametrize(("name", "value"), [("port", 70_000), ("replicas", 0), ("slo_ms", "soon"), ("batching", "no")])
def test_what_is_out_of_range_is_named(name: str, value: object) -> None:
    with pytest.raises(InvalidSettingError, match=f"setting '{name}'"):
        ModelServerSettings.load((), **{name: value})
