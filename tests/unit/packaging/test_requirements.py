"""From modules to pins."""

import importlib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from clipper_sls.packaging.requirements import not_given, pinned_requirements


@pytest.mark.parametrize(
    ("module", "distribution"),
    [
        ("msgspec.json", "msgspec"),
        ("prometheus_client", "prometheus-client"),
        ("yaml", "pyyaml"),
        ("package_of_nobody", None),
        ("json.decoder", None),
        ("clipper_sls.errors", None),
        ("cloudpickle.cloudpickle", None),
        ("awslambdaric", None),
        ("__main__", None),
        ("", None),
    ],
)
def test_a_module_is_pinned_by_the_distribution_that_holds_it(module: str, distribution: str | None) -> None:
    expected = (f"{distribution}=={version(distribution)}",) if distribution else ()
    assert pinned_requirements({module}) == expected


def test_pins_are_sorted_and_come_once() -> None:
    pins = pinned_requirements(["pydantic.fields", "httptools", "pydantic"])
    assert [pin.partition("==")[0] for pin in pins] == ["httptools", "pydantic"]


def test_what_was_given_by_hand_wins_over_what_was_found() -> None:
    found = ("numpy==1.0", "prometheus-client==2.0", "scikit-learn==1.0")
    assert not_given(found, ["NumPy>=2", "git+https://example.com/x", "prometheus_client"]) == ("scikit-learn==1.0",)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes distributions that look installed; nothing of them is imported."""
    folder = tmp_path / "site-packages"

    def run(name: str, version: str, *files: str) -> None:
        about = folder / f"{name.replace('-', '_')}-0.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (about / "RECORD").write_text("".join(f"{file},,\n" for file in files))
        for file in files:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).touch()
        importlib.invalidate_caches()

    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    return run


def test_of_those_that_share_a_name_the_one_with_the_module_is_pinned(install: Callable[..., None]) -> None:
    install("Vendor.Storage", "1.0", "vendorx/storage/__init__.py")
    install("vendor-auth", "2.0", "vendorx/auth.py")
    install("vendor-other", "3.0", "vendorx/other/__init__.py")
    assert pinned_requirements(["vendorx.storage"]) == ("vendor-storage==1.0",)
    assert pinned_requirements(["vendorx.auth"]) == ("vendor-auth==2.0",)
    assert pinned_requirements(["vendorx.auth", "vendorx.storage"]) == ("vendor-auth==2.0", "vendor-storage==1.0")


@pytest.mark.parametrize(
    ("installed", "pinned"), [("2.1.0+cpu", "2.1.0"), ("1.0rc1", "1.0rc1"), ("1!2.0.post1+x.y", "1!2.0.post1")]
)
def test_a_local_label_is_left_out_of_a_pin(install: Callable[..., None], installed: str, pinned: str) -> None:
    install("labelled", installed, "labelledx.py")
    assert pinned_requirements(["labelledx"]) == (f"labelled=={pinned}",)


def test_a_version_that_follows_no_rule_is_pinned_as_it_is(install: Callable[..., None]) -> None:
    install("odd", "2021-final", "oddx.py")
    assert pinned_requirements(["oddx"]) == ("odd==2021-final",)
