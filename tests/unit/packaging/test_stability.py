"""Laws of what settles a pickle; that whole bundles are equal in every process is seen in `unit/runtime`."""

import pickle

from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.packaging.stability import OrderedFrozenSet, identified, intern_strings, stable_constant

plain = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=5)
constants = st.recursive(
    plain | st.floats(allow_nan=False) | st.just(...),
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.frozensets(inner, max_size=4),
    max_leaves=10,
)


@given(constants)
def test_a_settled_constant_loads_as_the_one_it_was(value: object) -> None:
    loaded = pickle.loads(pickle.dumps(stable_constant(value)))
    assert loaded == value
    assert type(loaded) is type(value)


@given(st.lists(st.integers() | st.text(max_size=3), unique_by=repr, max_size=8))
def test_the_order_in_which_a_set_grew_changes_no_bytes(members: list[int | str]) -> None:
    one, other = frozenset(members), frozenset(reversed(members))
    assert pickle.dumps(OrderedFrozenSet(one)) == pickle.dumps(OrderedFrozenSet(other))


@given(st.text(min_size=1, max_size=8))
def test_equal_strings_that_are_two_objects_give_the_bytes_of_one(text: str) -> None:
    one, other = "".join(["x", text]), "".join(["x", text])
    assert pickle.dumps(stable_constant((one, other))) == pickle.dumps(stable_constant((one, one)))
    assert pickle.dumps(stable_constant((one, (other,)))) == pickle.dumps(stable_constant((one, (one,))))


def _maker(*args: object) -> None:
    """Stands for one of cloudpickle's."""


def test_equal_strings_among_what_makes_a_class_become_one_object() -> None:
    name, same = "".join(["Sh", "op"]), "".join(["Sh", "op"])
    state = ({"__module__": same, "size": 3},)
    maker, args, settled, rest = intern_strings((_maker, (name, {"__qualname__": same}), state, None))
    assert (maker, args, settled, rest) == (_maker, ("Shop", {"__qualname__": "Shop"}), state, None)
    assert args[0] is args[1]["__qualname__"]
    assert args[0] is settled[0]["__module__"]


def _make_typevar(*args: object) -> None:
    """Named as cloudpickle's maker is."""


def _make_skeleton_class(*args: object) -> None:
    """Named as cloudpickle's maker is."""


def test_an_identity_takes_the_place_of_the_one_that_was_drawn() -> None:
    assert identified((_make_typevar, ("T", "drawn")), "given") == (_make_typevar, ("T", "given"))
    reduced = (_make_skeleton_class, ("Shop", "drawn", None), {}, None)
    assert identified(reduced, "given") == (_make_skeleton_class, ("Shop", "given", None), {}, None)


def test_what_has_no_identity_stays_as_it_is() -> None:
    reduced = (frozenset, (["a"],), None)
    assert identified(reduced, "given") is reduced
