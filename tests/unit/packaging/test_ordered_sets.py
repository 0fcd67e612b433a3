"""Sets in pickles: members in an order of their own, and everything else as without them."""

import enum
import io
import pickle
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pytest

from clipper_sls.packaging.ordered_sets import in_order, is_left_to_chance
from clipper_sls.packaging.pickling import pickle_function


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Node:
    def __init__(self) -> None:
        self.others: set[Any] = set()


def pickled(value: object) -> bytes:
    file = io.BytesIO()
    pickle_function(value, "m:1", file)
    return file.getvalue()


@pytest.mark.parametrize(
    "value",
    [
        {"a", "b", "c"},
        frozenset({"a", 1, None, b"x", ("t", 2)}),
        {"nested": [frozenset({frozenset({"a", "b"}), "c"}), set(), {"alone"}]},
        {Colour.RED, Colour.BLUE, PurePosixPath("x")},
        [{"a", "b"}, "a", "b"],
    ],
)
def test_what_is_loaded_is_what_was_pickled(value: object) -> None:
    assert pickle.loads(pickled(value)) == value


def test_the_order_does_not_depend_on_that_of_the_set() -> None:
    words = [f"word-{number}" for number in range(2000)]
    there, back = set(words), set()
    for word in reversed(words):
        back.add(word)
    assert list(there) != list(back)
    assert in_order(there) == in_order(back) == sorted(words)
    assert in_order({frozenset(words), frozenset(back) | {"z"}}) == in_order(
        {frozenset(back) | {"z"}, frozenset(words)}
    )


@pytest.mark.parametrize("value", [{1, 2, 3}, {1.5, 2, True}, {"alone"}, set(), ["a", "b"], {"a": 1, "b": 2}])
def test_what_no_hash_seed_changes_is_not_left_to_chance(value: object) -> None:
    assert not is_left_to_chance(value)


@pytest.mark.parametrize("value", [{"a", "b"}, frozenset({"a", 1}), {None, 1}])
def test_sets_of_what_hashes_by_chance_are_found(value: object) -> None:
    assert is_left_to_chance(value)


def test_a_set_that_holds_itself_comes_back_as_it_was() -> None:
    node, other = Node(), Node()
    node.others |= {node, other}
    copy = pickle.loads(pickled(node))
    assert len(copy.others) == 2
    assert copy in copy.others


def test_a_frozenset_whose_member_leads_back_to_it_comes_back_as_it_was() -> None:
    node, other = Node(), Node()
    frozen = frozenset({node, other})
    node.others.add(frozen)
    copy = pickle.loads(pickled(frozen))
    assert [list(member.others) for member in copy if member.others] == [[copy]]


def test_arrays_beside_a_set_come_back_empty_ones_and_those_of_a_byte_as_well() -> None:
    arrays = [np.zeros(shape, kind) for kind in (np.uint8, float) for shape in (0, 0, 1, 1, 3, (2, 2))]
    locked = np.zeros(0)
    locked.flags.writeable = False
    copies = pickle.loads(pickled([{"a", "b"}, *arrays, locked]))[1:]
    assert [copy.tolist() for copy in copies] == [array.tolist() for array in [*arrays, locked]]
    assert [copy.dtype for copy in copies] == [array.dtype for array in [*arrays, locked]]
    copies[4][0] = 7
    assert [copy.flags.writeable for copy in copies[:-1]] == [True] * len(arrays)


def test_what_is_too_deep_for_the_stack_of_python_is_pickled_all_the_same() -> None:
    deep: list[Any] = [{"a", "b"}]
    for _ in range(400):
        deep = [deep]
    copy = pickle.loads(pickled(deep))
    for _ in range(400):
        (copy,) = copy
    assert copy == [{"a", "b"}]


def test_what_cannot_be_shown_is_pickled_as_it_comes() -> None:
    assert in_order({Unspeakable()})  # no error


class Unspeakable:
    def __repr__(self) -> str:
        raise RuntimeError
