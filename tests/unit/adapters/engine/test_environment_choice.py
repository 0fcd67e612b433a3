"""Which versions run on the engine's own Python, and what the others need."""

from dataclasses import replace
from hashlib import sha256

import pytest

from clipper_sls.adapters.engine.environment_choice import Recipe, constraints_for, recipe_for, settled
from clipper_sls.domain.bundle import CLOSURE_ENTRY, NOOP_ENTRY, Manifest

INSTALLED = {"numpy": "2.1.0", "scikit-learn": "1.5.2", "tool": "1.0rc1"}
RUNTIME = ("awslambdaric==4.2.2", "cloudpickle==3.1.2", "numpy==2.1.0")
MANIFEST = Manifest("m", "1", "doubles", CLOSURE_ENTRY, "3.11", "3.1.2")


def recipe(locked=(), **needs):
    return recipe_for(
        replace(MANIFEST, **needs),
        locked=locked,
        host_python="3.11",
        installed_version=INSTALLED.get,
        runtime_requirements=RUNTIME,
    )


@pytest.mark.parametrize(
    "requirements",
    [
        (),
        ("numpy==2.1.0",),
        ("numpy>=2", "scikit-learn==1.5.2"),
        ("tool==1.0rc1",),
        ("tool>=0.9",),
        ("winonly==1; sys_platform == 'win32'",),
    ],
)
def test_the_host_will_do_when_it_has_everything(requirements):
    assert recipe(requirements=requirements) is None


@pytest.mark.parametrize(
    "requirements",
    [
        ("absent==1.0",),
        ("numpy==2.0.0",),
        ("numpy==2.1.0", "scikit-learn<1"),
        ("numpy @ https://example.org/numpy.whl",),
        ("scikit-learn[extra]==1.5.2",),
        ("./folder",),
    ],
)
def test_anything_the_host_lacks_needs_an_environment(requirements):
    assert recipe(requirements=requirements) is not None


def test_packages_given_by_hand_always_need_an_environment():
    assert recipe(pkgs_to_install=("numpy",)) is not None


def test_another_python_needs_an_environment():
    assert recipe(python="3.12") == Recipe("3.12", ("awslambdaric==4.2.2", "cloudpickle==3.1.2", "numpy"))


def test_what_holds_no_bytecode_runs_on_any_python():
    assert recipe(python="3.12", entry=NOOP_ENTRY) is None


def test_the_runtime_is_added_to_the_versions_packages():
    found = recipe(requirements=("b==2", "a==1"), pkgs_to_install=("z", "y>1"))

    assert found == Recipe("3.11", ("a==1", "b==2", "z", "y>1", "awslambdaric==4.2.2", "cloudpickle==3.1.2", "numpy"))


def test_the_versions_own_choice_of_a_package_wins():
    found = recipe(requirements=("NumPy==1.26.4",), pkgs_to_install=("cloudpickle<3",))

    assert found == Recipe("3.11", ("NumPy==1.26.4", "cloudpickle<3", "awslambdaric==4.2.2"))


def test_equal_needs_have_equal_keys():
    one, other = recipe(requirements=("b==2", "a==1")), recipe(requirements=("a==1", "b==2"))

    assert one.key == other.key
    assert len({one.key, recipe(requirements=("a==1",)).key, recipe(python="3.12").key}) == 3


def test_packages_given_by_hand_win_over_those_found_by_analysis():
    found = recipe(requirements=("a==1", "scikit_learn==1.5.2", "./x"), pkgs_to_install=("scikit-learn<1.5", "./y"))

    assert found.packages[:4] == ("./x", "a==1", "scikit-learn<1.5", "./y")


def test_the_host_will_do_when_it_has_what_is_locked():
    assert recipe(requirements=("scikit-learn==1.5.2",), locked=("numpy==2.1.0", "scikit-learn==1.5.2")) is None


def test_another_version_of_what_is_locked_needs_an_environment_with_that_version():
    found = recipe(requirements=("scikit-learn==1.5.2",), locked=("numpy==2.0.0", "scikit-learn==1.5.2"))
    assert found.constraints == ("numpy==2.0.0",)
    assert "numpy" in found.packages


def test_a_lock_gives_another_environment_and_none_the_one_from_before():
    unlocked, locked = Recipe("3.11", ("a",)), Recipe("3.11", ("a",), ("b==1",))
    assert unlocked.key != locked.key
    assert unlocked.key == sha256(b'["3.11", ["a"]]').hexdigest()[:32]


def test_what_is_asked_for_exactly_is_not_constrained_as_well():
    pins = ("a==1", "b==2", "cloudpickle==3.0", "d==4")
    assert constraints_for(("a==1", "b>1", "cloudpickle==3.1.2", "./folder"), pins) == ("b==2", "d==4")


def test_the_runtimes_packages_are_settled_beside_the_models():
    manifest = replace(MANIFEST, pkgs_to_install=("a>=1",))
    assert settled(manifest, ("a==1", "numpy==1.26.4"), ("numpy==2.1.0", "cffi==2.0")) == (
        "a==1",
        "numpy==1.26.4",
        "cffi==2.0",
    )


def test_what_was_given_by_hand_and_is_not_locked_chooses_for_the_runtime():
    for given in ("unknown", "./folder"):
        manifest = replace(MANIFEST, pkgs_to_install=(given,))
        assert settled(manifest, ("a==1",), ("numpy==2.1.0",)) == ("a==1",)
