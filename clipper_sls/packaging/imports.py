"""Reads from bytecode which modules a piece of code would import. Nothing is imported or run."""

import dis
from collections.abc import Iterator
from types import CodeType


def imported_modules(code: CodeType, package: str) -> Iterator[str]:
    """Dotted names that `code`, or a function inside it, may import; `package` resolves relative imports.

    `from a import b` yields both `a` and `a.b`, since bytecode does not tell whether `b` is a module.
    """
    instructions = [step for step in dis.get_instructions(code) if step.opname != "EXTENDED_ARG"]
    for position, step in enumerate(instructions):
        if step.opname == "IMPORT_NAME":
            level, names = instructions[position - 2].argval, instructions[position - 1].argval
            yield from _named(step.argval, level, names, package)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from imported_modules(constant, package)


def _named(name: str, level: object, names: object, package: str) -> Iterator[str]:
    module = absolute_name(name, level if isinstance(level, int) else 0, package)
    if not module:
        return
    yield module
    for imported in names if isinstance(names, tuple) else ():
        if imported != "*":
            yield f"{module}.{imported}"


def absolute_name(name: str, level: int, package: str) -> str:
    """What `from ..name import` means inside `package`; empty when it leads out of every package."""
    if level == 0:
        return name
    parents = package.split(".") if package else []
    kept = parents[: max(0, len(parents) - level + 1)]
    return ".".join([*kept, name] if name else kept) if kept else ""
