"""From MODULE:FUNCTION to the function, and what is said when there is none."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from clipper_sls.cli.function_source import load_function
from clipper_sls.errors import InvalidSettingError

Written = Callable[[str], str]


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    """Writes a module into a new working directory and gives its name."""
    before, path = Path.cwd(), list(sys.path)
    os.chdir(tmp_path)

    def write(code: str) -> str:
        name = f"written_{uuid4().hex}"
        (tmp_path / f"{name}.py").write_text(code)
        return name

    yield write
    os.chdir(before)
    sys.path[:] = path


def test_a_function_of_a_module_in_the_working_directory(written: Written) -> None:
    module = written("def predict(inputs): return [1 for _ in inputs]")
    assert load_function(f"{module}:predict")([0, 0]) == [1, 1]


def test_a_module_may_be_named_as_a_file(written: Written) -> None:
    module = written("def predict(inputs): return ['file']")
    assert load_function(f"{module}.py:predict")([0]) == ["file"]


def test_an_object_with_predict_need_not_be_called(written: Written) -> None:
    module = written("class Model:\n    def predict(self, inputs): return ['object']\nmodel = Model()")
    assert load_function(f"{module}:model").predict([0]) == ["object"]


def test_a_method_of_an_object(written: Written) -> None:
    module = written("class Model:\n    def predict(self, inputs): return ['method']\nmodel = Model()")
    assert load_function(f"{module}:model.predict")([0]) == ["method"]


@pytest.mark.parametrize("source", ["train", "train:", ":predict", ""])
def test_what_is_not_module_and_function(source: str) -> None:
    with pytest.raises(InvalidSettingError, match="such as train:predict"):
        load_function(source)


def test_a_module_that_is_not_there(written: Written) -> None:
    with pytest.raises(InvalidSettingError, match="no module 'nowhere_at_all'"):
        load_function("nowhere_at_all:predict")


def test_a_function_that_is_not_there_names_those_that_are(written: Written) -> None:
    module = written("def predict(inputs): ...\ndef _private(): ...\nnumber = 1")
    with pytest.raises(InvalidSettingError, match=r"there is: predict$"):
        load_function(f"{module}:predicd")


def test_what_cannot_be_called(written: Written) -> None:
    module = written("model = 5")
    with pytest.raises(InvalidSettingError, match="int, which cannot be called"):
        load_function(f"{module}:model")


def test_a_module_that_raises_shows_where_and_nothing_of_ours(written: Written) -> None:
    module = written("def check():\n    raise RuntimeError('no data')\ncheck()")
    with pytest.raises(InvalidSettingError) as caught:
        load_function(f"{module}:predict")
    assert "RuntimeError: no data" in caught.value.msg
    assert "line 2, in check" in caught.value.msg
    assert "function_source.py" not in caught.value.msg


def test_a_module_that_imports_what_is_not_installed_says_what(written: Written) -> None:
    module = written("import not_installed_here")
    with pytest.raises(InvalidSettingError, match="No module named 'not_installed_here'"):
        load_function(f"{module}:predict")
