"""Finds which variable keeps a function from being pickled, so that the message can name it.

Goes from the function to the parts that pickling would visit, always into the first that fails, until all parts of
what is left can be pickled and it alone cannot.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any


@dataclass(frozen=True, slots=True)
class Culprit:
    """What cannot be pickled. `module` is the module whose global variable led to it, None when none did."""

    variable: str  # "closure variable 'service'"
    expression: str  # "service.pool[0]"
    value: object
    module: str | None = None

    def __str__(self) -> str:
        kind = type(self.value)
        named = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        is_variable_itself = f"'{self.expression}'" in self.variable
        return self.variable + ("" if is_variable_itself else f", there {self.expression}") + f" ({named})"

    def part(self, suffix: str, value: object) -> "Culprit":
        return Culprit(self.variable, self.expression + suffix, value, self.module)


def find_culprit(function: object, is_picklable: Callable[[object], bool]) -> Culprit:
    """The innermost thing below `function` that `is_picklable` denies."""
    name = getattr(function, "__qualname__", type(function).__qualname__).rpartition(".")[2]
    found = Culprit(f"the function '{name}'", name, function)
    seen = [function]
    while True:
        part = _first_failing(found, is_root=found.value is function, seen=seen, is_picklable=is_picklable)
        if part is None:
            return found
        seen.append(part.value)
        found = part


def _first_failing(
    whole: Culprit, *, is_root: bool, seen: list[object], is_picklable: Callable[[object], bool]
) -> Culprit | None:
    for part in _parts(whole, is_root):
        if not any(part.value is value for value in seen) and not is_picklable(part.value):
            return part
    return None


def _parts(whole: Culprit, is_root: bool) -> Iterator[Culprit]:
    value = whole.value
    if isinstance(value, FunctionType):
        yield from _variables(whole, value, "" if is_root else f" of function '{value.__qualname__}'")
    elif isinstance(value, MethodType):
        yield whole.part(".__self__", value.__self__)
        yield whole.part(".__func__", value.__func__)
    elif isinstance(value, functools.partial):
        yield whole.part(".func", value.func)
        yield from (whole.part(f".args[{place}]", argument) for place, argument in enumerate(value.args))
        yield from (whole.part(f".keywords[{name!r}]", argument) for name, argument in value.keywords.items())
    elif isinstance(value, ModuleType):
        for name, item in vars(value).items():
            if not name.startswith("__"):
                yield Culprit(f"global '{name}' of module '{value.__name__}'", name, item, value.__name__)
    else:
        yield from _object_parts(whole, value)


def _variables(whole: Culprit, function: FunctionType, of: str) -> Iterator[Culprit]:
    module = function.__module__
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        if not _is_empty(cell):
            yield Culprit(f"closure variable '{name}'{of}", name, cell.cell_contents, whole.module)
    for name in _global_names(function.__code__):
        if name in function.__globals__:
            yield Culprit(f"global '{name}'{of}", name, function.__globals__[name], module)
    for name, default in _defaults(function):
        yield Culprit(f"default of parameter '{name}'{of}", name, default, whole.module)
    for name, item in vars(function).items():
        yield whole.part(f".{name}", item)


def _global_names(code: Any) -> dict[str, None]:
    nested = [constant for constant in code.co_consts if hasattr(constant, "co_names")]
    return dict.fromkeys([*code.co_names, *(name for inner in nested for name in _global_names(inner))])


def _defaults(function: FunctionType) -> Iterator[tuple[str, object]]:
    code, defaults = function.__code__, function.__defaults__ or ()
    positional = code.co_varnames[: code.co_argcount]
    yield from zip(positional[len(positional) - len(defaults) :], defaults, strict=True)
    yield from (function.__kwdefaults__ or {}).items()


def _is_empty(cell: CellType) -> bool:
    try:
        return cell.cell_contents is cell
    except ValueError:
        return True


def _object_parts(whole: Culprit, value: object) -> Iterator[Culprit]:
    if isinstance(value, dict):
        yield from (whole.part(f"[{key!r:.60}]", item) for key, item in value.items())
    elif isinstance(value, list | tuple):
        yield from (whole.part(f"[{position}]", item) for position, item in enumerate(value))
    elif isinstance(value, set | frozenset):
        yield from (whole.part("{...}", item) for item in value)
    if isinstance(value, type):
        yield from (whole.part(f".{name}", item) for name, item in vars(value).items())
    else:
        yield from (whole.part(f".{name}", item) for name, item in _attributes(value).items())
        yield Culprit(f"class '{type(value).__qualname__}'", type(value).__qualname__, type(value), whole.module)


def _attributes(value: object) -> dict[str, object]:
    """What the object says its state is."""
    try:
        state = value.__getstate__()
    except Exception:  # then the object itself is what cannot be pickled
        return {}
    parts = state if isinstance(state, tuple) else (state,)
    return {str(name): item for part in parts if isinstance(part, dict) for name, item in part.items()}
