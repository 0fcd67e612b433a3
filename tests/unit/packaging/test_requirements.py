"""From modules to pins."""

from importlib.metadata import version

import pytest

from clipper_sls.packaging.requirements import not_given, pinned_requirements


@pytest.mark.parametrize(
    ("module", "distribution"),
    [
        ("msgspec.json", "msgspec"),
        ("prometheus_client", "prometheus-client"),
        ("yaml", "pyyaml"),
        ("dateutil", None),
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
