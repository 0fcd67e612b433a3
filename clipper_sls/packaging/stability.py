"""Settles what pickling leaves to chance, so that equal code gives equal bytes in every process.

Three things differ between runs: identities that cloudpickle draws for classes; the order of a constant set, which
follows the hash seed; and which equal strings are one object, which differs between code that was compiled and code
that was read from a `.pyc` file, and decides what the pickle repeats and what it refers back to. Sets among a
function's data are for `ordered_sets`, paths for `places`.
"""

import sys
from typing import Any

IDENTITY_POSITION = {"_make_skeleton_class": -2, "_make_skeleton_enum": -2, "_make_typevar": -1}
"""Where cloudpickle's makers take the identity of a class or type variable."""


class OrderedFrozenSet:
    """Loads as the frozenset it was made from, but lists its members in an order that no hash seed changes."""

    def __init__(self, members: frozenset[Any]) -> None:
        self._members = members

    def __reduce__(self) -> tuple[type, tuple[list[Any]]]:
        return frozenset, (sorted(self._members, key=lambda member: (type(member).__name__, repr(member))),)


def stable_constant(value: Any) -> Any:
    """Part of a code object: equal strings one object, sets in order."""
    if type(value) is str:
        return sys.intern(value)
    if type(value) is tuple:
        return tuple(stable_constant(item) for item in value)
    return OrderedFrozenSet(value) if type(value) is frozenset else value


def intern_strings(reduced: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same reduction of a function or class; the dictionaries that cloudpickle made for it are changed in place."""
    maker, args, state, *rest = reduced
    for part in (*args, *state):
        if type(part) is dict:
            part.update({key: sys.intern(value) for key, value in part.items() if type(value) is str})
    return maker, tuple(sys.intern(arg) if type(arg) is str else arg for arg in args), state, *rest


def identified(reduced: tuple[Any, ...], identity: str) -> tuple[Any, ...]:
    """The same reduction with `identity` for the one that cloudpickle drew, where it has one."""
    position = IDENTITY_POSITION.get(getattr(reduced[0], "__name__", ""))
    if position is None:
        return reduced
    args = list(reduced[1])
    args[position] = identity
    return reduced[0], tuple(args), *reduced[2:]
