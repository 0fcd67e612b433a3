"""Pickles sets in an order that no hash seed changes.

pickle's own machine writes a set as it iterates, which for strings differs from process to process. The one that is
written in Python lets its ways to write be replaced, at a tenth of the speed; so it is for what holds such sets, and
for nothing else.
"""

import pickle
import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Protocol

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_ORDERED_BY_VALUE = frozenset({int, float, bool})
"""Their hashes follow from their values, so equal sets that were made alike iterate alike."""


class Reducing(Protocol):
    """A pickler, as far as it says how objects are taken apart."""

    dispatch_table: Mapping[type, Callable[[Any], Any]]

    def reducer_override(self, obj: Any, /) -> Any: ...

    def persistent_id(self, obj: Any, /) -> Any: ...


def is_left_to_chance(value: object) -> bool:
    """Whether it is a set whose members come in another order in another process."""
    if type(value) not in (set, frozenset) or not isinstance(value, AbstractSet) or len(value) <= 1:
        return False
    return any(type(member) not in _ORDERED_BY_VALUE for member in value)


def in_order(members: AbstractSet[Any]) -> list[Any]:
    """By type, then by value as far as it shows; what shows the same stays as it comes."""
    return sorted(members, key=_order)


def _order(member: object) -> str:
    kind = type(member)
    if isinstance(member, tuple):
        shown = ",".join(map(_order, member))
    elif isinstance(member, frozenset):
        shown = ",".join(sorted(map(_order, member)))
    else:
        shown = _ADDRESS.sub("", _shown(member))
    return f"{kind.__module__}.{kind.__qualname__}({shown})"


def _shown(member: object) -> str:
    try:
        return repr(member)
    except Exception:  # code of others
        return ""


_PicklerInPython: Any = pickle._Pickler  # noqa: SLF001 - pickle offers it by no other name


class OrderedPickler(_PicklerInPython):  # type: ignore[misc]
    """Takes objects apart as `like` does, and writes sets in order."""

    dispatch = _PicklerInPython.dispatch.copy()

    def __init__(self, file: Any, protocol: int, like: Reducing) -> None:
        super().__init__(file, protocol)
        self.dispatch_table = like.dispatch_table
        self.reducer_override = like.reducer_override
        self.persistent_id = like.persistent_id

    def _save_set(self, members: set[Any]) -> None:
        self.write(pickle.EMPTY_SET)
        self.memoize(members)
        self.write(pickle.MARK)
        for member in in_order(members):
            self.save(member)
        self.write(pickle.ADDITEMS)

    def _save_frozenset(self, members: frozenset[Any]) -> None:
        self.write(pickle.MARK)
        for member in in_order(members):
            self.save(member)
        if id(members) in self.memo:  # a member led back to it
            self.write(pickle.POP_MARK + self.get(self.memo[id(members)][0]))
            return
        self.write(pickle.FROZENSET)
        self.memoize(members)

    def _save_buffer(self, buffer: pickle.PickleBuffer) -> None:
        """pickle's own fails at the second buffer that is empty, or of one byte: such bytes are one object."""
        with buffer.raw() as content:
            self.save(content.tobytes() if content.readonly else bytearray(content))

    dispatch[set] = _save_set
    dispatch[frozenset] = _save_frozenset
    dispatch[pickle.PickleBuffer] = _save_buffer
