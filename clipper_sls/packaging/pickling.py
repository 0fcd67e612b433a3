"""Pickles a function so that it loads in another process, and to the same bytes each time.

cloudpickle does the work. Added here: own modules travel by value, open files are refused instead of read in, and what
cloudpickle leaves to chance (identities of classes, the order of a set of constants) or to the place (paths of sources)
is settled.
"""

import hashlib
import io
import logging
import pickle
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import cloudpickle
from cloudpickle.cloudpickle import list_registry_pickle_by_value

from clipper_sls.packaging.decorators import REDUCED_DECORATORS
from clipper_sls.packaging.ordered_sets import OrderedPickler, is_left_to_chance
from clipper_sls.packaging.places import make_placeless, shown_path
from clipper_sls.packaging.stability import identified, intern_strings, stable_constant

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

PROTOCOL = 5
"""Fixed, so that a newer Python on the deploying side changes no bytes."""

NOT_MODULE_STATE = {"__builtins__", "__loader__", "__spec__", "__cached__"}

FULL_REDUCTION = 6
"""Parts in which cloudpickle takes a function or class apart when it travels by value."""

_log = logging.getLogger(__name__)
_registry_lock = threading.Lock()


class Sink(Protocol):
    """Where a pickle goes, perhaps twice: a binary file, for one."""

    def write(self, content: "Buffer", /) -> int: ...

    def seek(self, position: int, /) -> int: ...

    def truncate(self) -> int: ...


PersistentName = str | tuple[str, Mapping[str, object]]
"""A name, alone or with objects that are pickled beside it for whoever looks the name up."""

NameOf = Callable[[object], PersistentName | None]
"""The name by which a pickle refers to an object that lies elsewhere; None for one that goes into the pickle."""


def pickle_function(function: object, identity: str, file: Sink, name_of: NameOf | None = None) -> None:
    """Write `function` to `file`; `identity` names what is deployed, the same for the same thing.

    Raises whatever the objects in it raise when they cannot be pickled, most often TypeError or PicklingError.
    """
    pickler = _FunctionPickler(file, identity, name_of)
    pickler.dump(function)
    if pickler.has_sets_left_to_chance:
        _pickle_in_order(function, identity, file, name_of)


def _pickle_in_order(function: object, identity: str, file: Sink, name_of: NameOf | None) -> None:
    """Replaces what is in `file`; what cannot be pickled in this way, being too deep for one, is left to chance."""
    _empty(file)
    try:
        OrderedPickler(file, PROTOCOL, _FunctionPickler(file, identity, name_of)).dump(function)
    except Exception as error:  # the order of a set is no reason not to deploy what can be pickled
        _log.warning(
            "Sets in %s are pickled as they come: %r. The digest may be another the next time", identity, error
        )
        _empty(file)
        _FunctionPickler(file, identity, name_of).dump(function)


def _empty(file: Sink) -> None:
    file.seek(0)
    file.truncate()


def is_picklable(value: object, name_of: NameOf | None = None) -> bool:
    """Whether `value` could be part of a pickled function; writes it nowhere."""
    try:
        pickle_function(value, "", _Nowhere(), name_of)
    except Exception:  # objects raise what they like while they are pickled
        return False
    return True


@contextmanager
def by_value(modules: Iterable[ModuleType]) -> Iterator[None]:
    """While it lasts, functions and classes of `modules` are pickled by value. One thread at a time."""
    with _registry_lock:
        present = list_registry_pickle_by_value()
        added = [module for module in modules if module.__name__ not in present]
        for module in added:
            cloudpickle.register_pickle_by_value(module)
        try:
            yield
        finally:
            for module in added:
                cloudpickle.unregister_pickle_by_value(module)


class _Nowhere:
    def write(self, content: "Buffer") -> int:
        return memoryview(content).nbytes

    def seek(self, position: int) -> int:
        return position

    def truncate(self) -> int:
        return 0


class _FunctionPickler(cloudpickle.Pickler):  # type: ignore[misc]
    has_sets_left_to_chance = False

    def __init__(self, file: Sink, identity: str, name_of: NameOf | None) -> None:
        super().__init__(file, protocol=PROTOCOL)
        self._identity = identity
        self._identified = 0
        self._name_of = name_of
        self._reducers: dict[type, Callable[[Any], Any]] = {
            CodeType: self._reduced_code,
            ModuleType: self._reduced_module,
            TypeVar: self._reduced_type_variable,
            **REDUCED_DECORATORS,
        }

    def persistent_id(self, obj: object) -> PersistentName | None:
        """pickle asks for every object; of none other does it tell when it writes a set."""
        if is_left_to_chance(obj):
            self.has_sets_left_to_chance = True
        return None if self._name_of is None else self._name_of(obj)

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, io.TextIOWrapper) and obj not in (sys.stdout, sys.stderr):
            raise pickle.PicklingError("cannot pickle an open file")
        if reduce := self._reducers.get(type(obj)):
            return reduce(obj)
        reduced = super().reducer_override(obj)
        is_by_value = isinstance(reduced, tuple) and len(reduced) == FULL_REDUCTION
        if not is_by_value:
            return reduced
        for part in reduced[1]:
            if type(part) is dict:  # cloudpickle's own, of what all functions of a module need of its globals
                make_placeless(part)
        return self._identified_by_order(intern_strings(reduced))

    def _reduced_code(self, code: CodeType) -> Any:
        maker, args = self.dispatch_table[CodeType](code.replace(co_filename=shown_path(code.co_filename)))
        return maker, stable_constant(args)

    def _reduced_module(self, module: ModuleType) -> Any:
        """By value, a module is made empty and then filled; cloudpickle makes it full, which never ends for two modules
        that refer to each other."""
        maker, (name, *contents) = self.dispatch_table[ModuleType](module)
        if not contents:
            return maker, (name,)
        state = {key: item for key, item in contents[0].items() if key not in NOT_MODULE_STATE}
        make_placeless(state)
        return ModuleType, (name,), state

    def _reduced_type_variable(self, variable: TypeVar) -> Any:
        return self._identified_by_order(self.dispatch_table[TypeVar](variable))

    def _identified_by_order(self, reduced: tuple[Any, ...]) -> tuple[Any, ...]:
        self._identified += 1
        return identified(reduced, hashlib.sha256(f"{self._identity}/{self._identified}".encode()).hexdigest()[:32])
