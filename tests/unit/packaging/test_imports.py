"""Which modules code would import, read from its bytecode."""

import pytest

from clipper_sls.packaging.imports import absolute_name, imported_modules


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a", {"a"}),
        ("import a.b.c as d", {"a.b.c"}),
        ("from a import b, c", {"a", "a.b", "a.c"}),
        ("from a import *", {"a"}),
        ("from . import b", {"shop.models", "shop.models.b"}),
        ("from .a import b", {"shop.models.a", "shop.models.a.b"}),
        ("from ..a import b", {"shop.a", "shop.a.b"}),
        ("from ....a import b", set()),
        ("def f():\n    def g():\n        import a", {"a"}),
        ("class C:\n    f = lambda self: __import__('b')\n    import a", {"a"}),
        ("try:\n    import a\nexcept ImportError:\n    import b", {"a", "b"}),
        ("x = 1", set()),
    ],
)
def test_imports_are_found(source: str, expected: set[str]) -> None:
    assert set(imported_modules(compile(source, "<test>", "exec"), "shop.models")) == expected


def test_an_import_far_into_a_function_is_found() -> None:
    source = "\n".join(f"x{number} = 'c{number}'" for number in range(600)) + "\nfrom .late import thing"
    assert set(imported_modules(compile(source, "<test>", "exec"), "shop")) == {"shop.late", "shop.late.thing"}


def test_a_relative_import_outside_a_package_means_nothing() -> None:
    assert absolute_name("a", 1, "") == ""
