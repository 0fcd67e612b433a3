from pathlib import Path

import pytest

from clipper_sls.config import Settings
from clipper_sls.errors import InvalidSettingError


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_defaults_are_clippers_ports_on_loopback() -> None:
    settings = Settings.load()
    assert (settings.host, settings.query_port, settings.management_port) == ("127.0.0.1", 1337, 1338)


def test_a_flag_beats_the_environment_which_beats_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.clipper-sls]\nquery_port = 1\nmanagement_port = 1\ncache_size_bytes = 1"
    )
    assert Settings.load().query_port == 1
    (tmp_path / "clipper.toml").write_text("query_port = 2\nmanagement_port = 2")
    monkeypatch.setenv("CLIPPER_SLS_QUERY_PORT", "3")
    settings = Settings.load(query_port=4)
    assert (settings.query_port, settings.management_port, settings.cache_size_bytes) == (4, 2, 1)
    assert Settings.load().query_port == 3


def test_a_flag_that_is_none_counts_as_not_given() -> None:
    assert Settings.load(query_port=None).query_port == 1337


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ({"query_port": 70000}, "query_port"),
        ({"cluster_name": "No Good"}, "cluster_name"),
        ({"no_such_setting": 1}, "no_such_setting"),
        ({"replica_memory_mib": 0}, "replica_memory_mib"),
    ],
)
def test_what_is_wrong_is_named(flags: dict[str, object], named: str) -> None:
    with pytest.raises(InvalidSettingError, match=named):
        Settings.load(**flags)


def test_state_lies_below_the_root_by_cluster_unless_a_folder_is_given(tmp_path: Path) -> None:
    assert Settings.load(state_root=tmp_path, cluster_name="mine").state_path == tmp_path / "mine"
    assert Settings.load(state_dir=tmp_path / "here").state_path == tmp_path / "here"


def test_the_token_is_not_shown() -> None:
    assert "s3cret" not in repr(Settings.load(management_token="s3cret"))


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://user:s3cret@cache.example:6380/3",
        "rediss://:s3cret@cache.example?ssl_ca_certs=/etc/ca.pem",
        "unix:///run/valkey.sock?db=2",
        "rediss://:s3cret@cluster.example?cluster=true&ssl_ca_certs=/etc/ca.pem",
        "redis://cluster.example/0?cluster=true",
        "redis://localhost/3?cluster=false",
        "dynamodb://Shop-cache_1.0",
        "dynamodb://shop-cache?region=eu-west-1",
    ],
)
def test_a_cache_elsewhere_is_named_by_a_url_that_is_not_shown(url: str) -> None:
    settings = Settings.load(cache_url=url)
    assert settings.cache_url is not None
    assert settings.cache_url.get_secret_value() == url
    assert url not in repr(settings)


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("http://:s3cret@localhost", "scheme"),
        ("localhost:6379", "scheme"),
        ("", "scheme"),
        ("redis://:s3cret@", "host"),
        ("redis://:s3cret@localhost:0", "host"),
        ("redis://:s3cret@localhost:port", "port"),
        ("redis://localhost:s3cret", "port"),
        ("redis://:s3cret@localhost/first", "database"),
        ("redis://:s3cret@localhost?socket_timeout=s3cret", "options"),
        ("unix://", "path"),
        ("unix:///run/valkey.sock?cluster=true", "options"),
        ("redis://:s3cret@localhost?cluster=maybe", "neither true nor false"),
        ("redis://:s3cret@localhost/3?cluster=true", "only database 0"),
        ("dynamodb://", "table"),
        ("dynamodb://s3cret:x@shop", "table"),
        ("dynamodb://shop/cache", "table"),
        ("dynamodb://shop-cache?ssl_keyfile=s3cret", "options"),
    ],
)
def test_a_wrong_cache_url_is_explained_without_showing_it(url: str, wrong: str) -> None:
    with pytest.raises(InvalidSettingError, match=f"cache_url.*{wrong}") as raised:
        Settings.load(cache_url=url)
    assert "s3cret" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
