"""A pickle is read, never run."""

import pickle
from collections import OrderedDict
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import cloudpickle
import numpy as np
import pytest

from clipper_sls.packaging.pickle_reading import PickleContent, read_pickle


def content_of(pickled: bytes, folder: Path) -> PickleContent:
    (folder / "func.pkl").write_bytes(pickled)
    return read_pickle(folder / "func.pkl")


def test_nothing_in_it_is_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    content = content_of(b"cbuiltins\nopen\n(V%b\nVw\ntR." % bytes(trace), tmp_path)
    assert content.modules == {"builtins"}
    assert not trace.exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_globals_are_found_in_every_protocol(protocol: int, tmp_path: Path) -> None:
    value = [OrderedDict(a=np.float64(1)), OrderedDict(b=Fraction(1)), np.arange(3)]
    content = content_of(pickle.dumps(value, protocol), tmp_path)
    assert {"collections", "fractions"} <= content.modules
    assert any(name.startswith("numpy") for name in content.modules)


def test_classes_functions_and_instances_by_value_are_read_to_their_end(tmp_path: Path) -> None:
    class Pair(NamedTuple):
        left: Any
        right: Any

    class Tree(dict[str, Any]):
        __slots__ = ("label",)

        def grow(self) -> None:
            from wsgiref import util

            self.label = util

    tree = Tree(leaf=Pair({1, 2}, frozenset({3})))
    tree.label = [bytearray(b"x"), 1j, range(3)]
    content = content_of(cloudpickle.dumps([tree, Fraction(1)], protocol=5), tmp_path)
    assert "fractions" in content.modules
    assert "grow" in {code.co_name for code, _ in content.functions}


def test_what_is_looked_up_in_the_script_is_told(tmp_path: Path) -> None:
    assert content_of(b"c__main__\nMODEL\n.", tmp_path).script_names == {"MODEL"}


def test_what_is_no_pickle_yields_what_was_seen_and_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert content_of(b"cmsgspec\nStruct\n\xff", tmp_path).modules == {"msgspec"}
    assert "may be incomplete" in caplog.text
