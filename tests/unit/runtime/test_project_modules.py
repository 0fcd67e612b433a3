"""A user's own project, deployed by a script of its own, answers in a process that does not have it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clipper_sls.domain.bundle import MANIFEST_NAME, Manifest
from clipper_sls.domain.inputs import InputType, pack_json

StartReplica = Callable[..., Any]
PACKAGE_ROOT = Path(__file__).parents[3]

DEPLOY = """
import importlib, sys
from pathlib import Path
from clipper_sls.errors import UnpicklableError
from clipper_sls.packaging.bundling import bundle_closure
module, _, name = sys.argv[1].partition(":")
function = getattr(importlib.import_module(module), name)
try:
    bundle_closure(function, name="m", version="1", input_type="json", destination=Path(sys.argv[2]))
except UnpicklableError as error:
    sys.exit(str(error))
"""


@dataclass(frozen=True)
class Project:
    """A folder with the user's files."""

    folder: Path

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def python(self, *arguments: str, seed: str = "0") -> "subprocess.CompletedProcess[str]":
        environment = {"PYTHONPATH": f"{self.folder}:{PACKAGE_ROOT}", "PYTHONHASHSEED": seed}
        return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=60)

    def deploy(self, target: str, bundle: Path, seed: str = "0") -> Manifest:
        ran = self.python("-c", DEPLOY, target, str(bundle), seed=seed)
        assert ran.returncode == 0, ran.stderr
        return Manifest.from_json((bundle / MANIFEST_NAME).read_bytes())

    def vanish(self) -> None:
        shutil.rmtree(self.folder)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def outputs(replica: Any, *values: Any) -> Any:
    return replica.ask(InputType.JSON, [pack_json(value) for value in values])["outputs"]


PACKAGE = {
    "shop/__init__.py": "",
    "shop/prices.py": """
import enum
class Currency(enum.Enum):
    EURO = "€"
class Price:
    def __init__(self, amount):
        self.amount, self.currency = amount, Currency.EURO
    def __str__(self):
        return f"{self.amount}{self.currency.value}"
""",
    "shop/models/__init__.py": "",
    "shop/models/linear.py": """
from ..prices import Price
from . import factors
def predict(values):
    return [str(Price(value * factors.TWO)) for value in values]
""",
    "shop/models/factors.py": "TWO = 2\n",
}


def test_a_package_travels_by_value(project: Project, start_replica: StartReplica, tmp_path: Path) -> None:
    project.write(PACKAGE)
    manifest = project.deploy("shop.models.linear:predict", tmp_path / "bundle")
    project.vanish()
    assert list(manifest.files) == ["func.pkl"]
    assert manifest.requirements == ()
    assert outputs(start_replica(tmp_path / "bundle"), 1, 2) == ["2€", "4€"]


def test_a_module_that_is_imported_inside_a_function_travels_as_source(
    project: Project, start_replica: StartReplica, tmp_path: Path
) -> None:
    project.write(PACKAGE)
    project.write(
        {
            "train.py": """
from shop.prices import Price, Currency
def predict(values):
    from shop.checks import check
    return [check(Price(value)) for value in values]
""",
            "shop/checks.py": """
from .prices import Currency, Price
from .deeper import still
def check(price):
    from shop.deepest import nested
    assert isinstance(price, Price) and price.currency is Currency.EURO
    return still(nested(price.amount))
""",
            "shop/deeper.py": "def still(value): return value + 1\n",
            "shop/deepest.py": "def nested(value): return value * 10\n",
            "shop/unrelated.py": "raise RuntimeError\n",
        }
    )
    manifest = project.deploy("train:predict", tmp_path / "bundle")
    project.vanish()
    assert [path.removeprefix("modules/shop/") for path in manifest.files] == [
        "func.pkl",
        "__init__.py",
        "checks.py",
        "deeper.py",
        "deepest.py",
        "prices.py",
    ]
    assert outputs(start_replica(tmp_path / "bundle"), 1, 2) == [11, 21]


def test_a_second_replica_finds_the_bundle_as_the_first_left_it(
    project: Project, start_replica: StartReplica, tmp_path: Path
) -> None:
    project.write({"train.py": "def predict(v):\n    import late\n    return late.f(v)\n", "late.py": "f = list\n"})
    project.deploy("train:predict", tmp_path / "bundle")
    assert outputs(start_replica(tmp_path / "bundle"), 1) == [1]
    assert outputs(start_replica(tmp_path / "bundle"), 2) == [2]


def test_the_deployed_functions_own_module_is_not_run_again(
    project: Project, start_replica: StartReplica, tmp_path: Path
) -> None:
    training = "print('training', __name__)\nMODEL = {'scale': len('trained')}\n"
    project.write({"train.py": training + "def predict(values): return [v * MODEL['scale'] for v in values]\n"})
    project.deploy("train:predict", tmp_path / "bundle")
    replica = start_replica(tmp_path / "bundle")
    assert outputs(replica, 1) == [7]
    assert "training" not in replica.log()


def test_what_was_set_in_a_module_travels_with_it(
    project: Project, start_replica: StartReplica, tmp_path: Path
) -> None:
    project.write(
        {
            "state.py": "import other\nmodel = None\ndef scale(value): return value * model\n",
            "other.py": "import state\n",  # the two refer to each other
            "train.py": "import state\nstate.model = 3\n"
            "def predict(values): return [state.scale(value) + state.model for value in values]\n",
        }
    )
    manifest = project.deploy("train:predict", tmp_path / "bundle")
    assert list(manifest.files) == ["func.pkl"]
    assert outputs(start_replica(tmp_path / "bundle"), 1) == [6]


def test_a_module_with_a_lock_travels_as_source(project: Project, start_replica: StartReplica, tmp_path: Path) -> None:
    project.write(
        {
            "guarded.py": "import threading\nlock = threading.Lock()\n"
            "def twice(value):\n    with lock:\n        return value * 2\n",
            "train.py": "from guarded import twice\ndef predict(values): return [twice(value) for value in values]\n",
        }
    )
    manifest = project.deploy("train:predict", tmp_path / "bundle")
    project.vanish()
    assert list(manifest.files) == ["func.pkl", "modules/guarded.py"]
    assert outputs(start_replica(tmp_path / "bundle"), 1) == [2]


def test_functions_that_functools_wraps_travel_from_a_script(
    project: Project, start_replica: StartReplica, tmp_path: Path
) -> None:
    project.write(
        {
            "script.py": """
import functools, sys
from pathlib import Path
from clipper_sls.packaging.bundling import bundle_closure
@functools.cache
def model():
    return {"scale": 5}
@functools.lru_cache(maxsize=3)
def countdown(n):
    return countdown(n - 1) if n else "lift-off"
class Predictor:
    @functools.cached_property
    def offset(self):
        return 1
    def __call__(self, values):
        return [value * model()["scale"] + self.offset for value in values] + [countdown(3)]
predict = functools.partial(Predictor.__call__, Predictor())
bundle_closure(predict, name="m", version="1", input_type="json", destination=Path(sys.argv[1]))
"""
        }
    )
    ran = project.python(str(project.folder / "script.py"), str(tmp_path / "bundle"))
    assert ran.returncode == 0, ran.stderr
    replica = start_replica(tmp_path / "bundle")
    result = replica.ask(InputType.JSON, [b"1"])
    assert result["errors"] == [[0, "Expected model to return 1 outputs, found 2 outputs"]]


def test_what_exists_in_the_script_only_is_refused_by_name(project: Project, tmp_path: Path) -> None:
    project.write(
        {
            "script.py": """
import sys
from pathlib import Path
from clipper_sls.errors import UnpicklableError
from clipper_sls.packaging.bundling import bundle_closure
class Strange:
    def __reduce__(self):
        return "strange"
strange = Strange()
def predict(values):
    return [strange for value in values]
try:
    bundle_closure(predict, name="m", version="1", input_type="json", destination=Path(sys.argv[1]))
except UnpicklableError as error:
    print(error)
"""
        }
    )
    ran = project.python(str(project.folder / "script.py"), str(tmp_path / "bundle"))
    assert "because of 'strange' in the script that is running" in ran.stdout


def test_a_connection_in_the_functions_module_is_refused_by_name(project: Project, tmp_path: Path) -> None:
    project.write(
        {"train.py": "import sqlite3\nconn = sqlite3.connect(':memory:')\ndef predict(v): return [conn for x in v]\n"}
    )
    ran = project.python("-c", DEPLOY, "train:predict", str(tmp_path / "bundle"))
    assert ran.returncode == 1
    assert "because of global 'conn' (sqlite3.Connection)" in ran.stderr


def test_equal_code_gives_equal_bundles_whatever_the_hash_seed(project: Project, tmp_path: Path) -> None:
    project.write(PACKAGE)
    project.write(
        {
            "train.py": """
import dataclasses
from typing import TypeVar
from shop.prices import Price
T = TypeVar("T")
@dataclasses.dataclass
class Known:
    words: tuple[str, ...] = ("a", "b")
    def knows(self, word: T) -> T:
        return word in {"alpha", "beta", "gamma", "delta"} or word in self.words
known = Known()
def predict(values):
    from shop.models.linear import predict as linear
    return [known.knows(value) for value in values] and linear(values)
"""
        }
    )
    digests = {project.deploy("train:predict", tmp_path / seed, seed=seed).digest for seed in ("1", "2", "3")}
    assert len(digests) == 1


def test_a_package_installed_as_editable_is_the_users_own(
    project: Project, start_replica: StartReplica, tmp_path: Path
) -> None:
    project.write(PACKAGE)
    info = {"METADATA": "Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n", "top_level.txt": "shop\n"}
    project.write({f"shop-1.0.dist-info/{name}": text for name, text in info.items()})
    manifest = project.deploy("shop.models.linear:predict", tmp_path / "bundle")
    assert manifest.requirements == ()
    project.vanish()
    assert outputs(start_replica(tmp_path / "bundle"), 1) == ["2€"]


def test_requirements_are_found_wherever_they_hide(project: Project, tmp_path: Path) -> None:
    project.write(
        {
            "train.py": """
import msgspec                                 # only ever an argument of cloudpickle's subimport
from packaging.version import Version          # a class, by name
import httptools                               # not used: not required
def predict(values):
    def inner():
        import psutil                          # in a nested code object only
    from late import f
    return [msgspec.json.encode(Version("1")) for value in values]
""",
            "late.py": "import json\nimport platformdirs\nimport no_such_module_anywhere\nf = None\n",
        }
    )
    manifest = project.deploy("train:predict", tmp_path / "bundle")
    assert [text.partition("==")[0] for text in manifest.requirements] == [
        "msgspec",
        "packaging",
        "platformdirs",
        "psutil",
    ]
    assert all(text.partition("==")[2] for text in manifest.requirements)


SLIM = ["awslambdaric", "cloudpickle", "numpy", "numpy.libs", "simplejson", "snapshot_restore_py"]


def test_the_staged_runtime_needs_three_packages_and_nothing_else(start_replica: StartReplica, tmp_path: Path) -> None:
    import awslambdaric

    from clipper_sls.packaging.bundling import bundle_builtin
    from clipper_sls.packaging.runtime_package import stage_runtime

    installed, slim = Path(awslambdaric.__file__).parents[1], tmp_path / "slim"
    slim.mkdir()
    for path in installed.iterdir():
        if path.name in SLIM or path.name.startswith("runtime_client."):
            (slim / path.name).symlink_to(path)
    bundle_builtin("builtin:noop", name="m", version="1", input_type="json", destination=tmp_path / "bundle")
    path = os.pathsep.join([str(stage_runtime(tmp_path / "staged")), str(slim)])
    replica = start_replica(tmp_path / "bundle", python_flags=("-S",), PYTHONPATH=path)
    assert outputs(replica, 1) == ["1.0"]
    assert json.loads((tmp_path / "bundle" / MANIFEST_NAME).read_text())["files"] == {}
