"""Which versions run on the engine's own Python, and what the others need."""

from dataclasses import replace

import pytest

from clipper_sls.adapters.engine.environment_choice import Recipe, recipe_for
from clipper_sls.domain.bundle import CLOSURE_ENTRY, NOOP_ENTRY, Manifest

INSTALLED = {"numpy": "2.1.0", "scikit-learn": "1.5.2", "tool": "1.0rc1"}
RUNTIME = ("awslambdaric==4.2.2", "cloudpickle==3.1.2", "numpy==2.1.0")
MANIFEST = Manifest("m", "1", "doubles", CLOSURE_ENTRY, "3.11", "3.1.2")


def recipe(**needs):
    return recipe_for(
        replace(MANIFEST, **needs),
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
