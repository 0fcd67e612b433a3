"""The same project gives the same bundle, whoever makes it, where, and when."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

PACKAGE_ROOT = Path(__file__).parents[3]
LIMIT_S = 60
FILES = {
    "shop/__init__.py": "NAMES = {'a': 1, 'b': 2}\n",
    "shop/prices.py": """
        import functools
        import threading
        from typing import TypeVar

        T = TypeVar("T")

        class Prices:
            currency = "EUR"

            def of(self, name):
                return {"apple", "pear", "plum", name} and 1

        @functools.cache
        def known():
            return frozenset(("x", "y", "z"))
    """,
    "shop/late.py": "LATE = 7\n",
    "train.py": """
        import numpy as np
        import shop.prices
        from shop.prices import Prices, known

        STOP_WORDS = {"the", "a", "an", "of", "and", "or", "not", "never", "ever"}
        NESTED = {"sets": [frozenset({"p", "q", "r"}), {("s", 1), ("t", 2), ("u", 3)}], "none": set()}
        WEIGHTS = np.arange(6.0).reshape(2, 3)
        prices = Prices()

        def predict(inputs):
            from shop.late import LATE
            if not STOP_WORDS or NESTED is None:
                raise LookupError("nothing")
            return [prices.of("x") + len(known()) + LATE + shop.prices.Prices().of("y") + WEIGHTS.sum() for _ in inputs]
    """,
}
MAKE = """
import json, os, sys
from pathlib import Path
sys.path[:0] = [sys.argv[1], sys.argv[3]]
from clipper_sls.packaging.bundling import bundle_closure
import train
manifest = bundle_closure(train.predict, name="m", version="1", input_type="doubles", destination=Path(sys.argv[2]))
print(json.dumps([manifest.digest, {path: file.sha256 for path, file in manifest.files.items()}]))
"""
USERS: Mapping[str, Mapping[str, str]] = {
    "ada": {"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "1", "PYTHONDONTWRITEBYTECODE": "1"},
    "bob": {"TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2", "USER": "bob", "LOGNAME": "bob"},
    "cyd": {"TZ": "America/Caracas", "PYTHONHASHSEED": "random", "PYTHONUTF8": "1"},
}


def _project(folder: Path) -> Path:
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(line.removeprefix("        ") for line in content.splitlines()))
    return folder


def _made(folder: Path, user: str, umask: int, times: float) -> tuple[str, dict[str, str]]:
    """What comes out where `user` lives; modification times of the sources are `times`."""
    project = _project(folder / "home" / user / "work" / "project")
    for path in project.rglob("*.py"):
        os.utime(path, (times, times))
    done = subprocess.run(
        [sys.executable, "-c", MAKE, str(project), str(folder / "bundle"), str(PACKAGE_ROOT)],
        env={"PATH": os.defpath, "HOME": str(folder / "home" / user), **USERS[user]},
        cwd=folder,
        umask=umask,
        capture_output=True,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr.decode()
    digest, files = json.loads(done.stdout)
    return digest, files


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, dict[str, str]]]:
    return {
        user: _made(tmp_path_factory.mktemp(user), user, umask, times)
        for user, umask, times in (("ada", 0o077, 1e9), ("bob", 0o002, 1.7e9), ("cyd", 0o022, 1.1e9))
    }


def test_folder_user_time_zone_locale_umask_times_and_hash_seed_change_no_digest(
    made: dict[str, tuple[str, dict[str, str]]],
) -> None:
    (_, files), *others = made.values()
    assert set(files) == {"clipper.lock", "func.pkl", "modules/shop/late.py", "modules/shop/__init__.py"}
    for _, other in others:
        assert other == files
    assert len({digest for digest, _ in made.values()}) == 1


def test_nothing_in_a_bundle_tells_where_it_was_made(tmp_path: Path) -> None:
    _made(tmp_path, "ada", 0o022, 1e9)
    held = [path for path in (tmp_path / "bundle").rglob("*") if path.is_file()]
    assert len(held) > 1
    for path in held:
        content = path.read_bytes()
        assert str(tmp_path).encode() not in content, path
        assert b"ada" not in content, path


def test_a_traceback_names_file_and_line(tmp_path: Path) -> None:
    _made(tmp_path, "ada", 0o022, 1e9)
    shutil.rmtree(tmp_path / "home")
    ask = (
        "import pickle, sys; sys.path.insert(0, sys.argv[1] + '/modules')\n"
        "f = pickle.load(open(sys.argv[1] + '/func.pkl', 'rb'))\n"
        "f.__globals__['STOP_WORDS'].clear(); f([1])"
    )
    done = subprocess.run([sys.executable, "-c", ask, tmp_path / "bundle"], capture_output=True, text=True)
    line = 1 + FILES["train.py"].splitlines().index('                raise LookupError("nothing")')
    assert f'File "train.py", line {line}, in predict' in done.stderr
