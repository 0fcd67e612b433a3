"""Every error class has one stable code, one HTTP status and one exit code; no table has an entry too many."""

import pytest

from clipper_sls.cli.exit_codes import EXIT_CODE_OF
from clipper_sls.errors import ClipperError, error_classes
from clipper_sls.http.error_map import STATUS_OF, status_of

CLASSES = error_classes()


def test_codes_are_distinct() -> None:
    codes = [cls.code for cls in CLASSES]
    assert len(codes) == len(set(codes)) > 30


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_each_class_says_its_own_code(cls: type[ClipperError]) -> None:
    assert "code" in vars(cls)
    assert cls.code == cls.code.lower().replace(" ", "_")


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_each_class_has_a_status_of_an_error(cls: type[ClipperError]) -> None:
    assert 400 <= status_of(cls("what failed")) < 600


def test_no_table_has_an_entry_too_many() -> None:
    assert set(STATUS_OF) == set(CLASSES)
    assert set(EXIT_CODE_OF) == set(CLASSES)
    assert set(EXIT_CODE_OF.values()) <= set(range(1, 8))
