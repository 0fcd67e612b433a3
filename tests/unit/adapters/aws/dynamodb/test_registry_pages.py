"""A change writes few pages, and pages say what a plain dictionary of records would."""

import itertools
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.adapters.aws.dynamodb.registry_pages import (
    MAX_WASTE,
    PAGE_BYTES,
    Page,
    Pages,
    changed,
    records_of,
)
from clipper_sls.domain.changes import Change, Delete, Put
from clipper_sls.domain.identifiers import AppName, ModelId, ModelName, Version
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.record_json import record_key
from clipper_sls.domain.records import Application, Current, Link, ModelVersion, Record, Switch
from clipper_sls.errors import StorageFullError

_names = itertools.count()


def _new_name() -> str:
    return f"page-{next(_names)}"


def _version(number: int, labels: tuple[str, ...] = ()) -> ModelVersion:
    return ModelVersion(ModelId.of("price", str(number)), InputType.DOUBLES, labels=labels, bundle_digest="0" * 64)


def _many(count: int) -> Pages:
    return changed((), [Put(_version(number)) for number in range(count)], _new_name)


def _app(name: str, default: str) -> Application:
    return Application(AppName(name), InputType.DOUBLES, default, 1000)


NAMES = st.sampled_from(string.ascii_lowercase[:6])
RECORDS: st.SearchStrategy[Record] = st.one_of(
    st.builds(_app, NAMES, st.text(max_size=20) | st.just("x" * (PAGE_BYTES // 2)) | st.just("é" * 50_000)),
    st.builds(lambda a, m: Link(AppName(a), ModelName(m)), NAMES, NAMES),
    st.builds(lambda m, at: Current(ModelName(m), (Switch(Version("1"), at),)), NAMES, st.floats(0, 1e9)),
)
CHANGES = st.one_of(st.builds(Put, RECORDS), st.builds(Delete, RECORDS))


@given(st.lists(st.lists(CHANGES, max_size=5), max_size=8))
def test_pages_hold_what_a_dictionary_would_in_its_order(commits: list[list[Change]]) -> None:
    pages: Pages = ()
    expected: dict[tuple[str, str], Record] = {}
    for commit in commits:
        pages = changed(pages, commit, _new_name)
        for change in commit:
            match change:
                case Put(record):
                    expected[record_key(record)] = record
                case Delete(record):
                    expected.pop(record_key(record), None)
        assert list(records_of(pages)) == list(expected.values())
        assert all(len(page.lines) == 1 or len(page.text) <= PAGE_BYTES for page in pages)
        assert [Page.read(page.name, page.text) for page in pages] == list(pages)
        assert len({page.name for page in pages}) == len(pages)


def test_a_change_of_one_record_writes_one_page() -> None:
    before = _many(2_000)
    after = changed(before, [Put(_version(1_000, labels=("new",)))], _new_name)
    assert len(before) == len(after) > 5
    assert len(set(map(id, after)) - set(map(id, before))) == 1


def test_a_new_record_goes_to_the_end_and_leaves_full_pages_alone() -> None:
    pages = _many(1)
    for number in range(1, 1_000):
        after = changed(pages, [Put(_version(number))], _new_name)
        assert len(set(map(id, after)) - set(map(id, pages))) == 1
        assert len(after) - len(pages) in (0, 1)
        pages = after
    assert [record.id.version for record in records_of(pages)] == [str(number) for number in range(1_000)]


def test_what_is_left_after_much_was_deleted_is_packed_together() -> None:
    pages = _many(2_000)
    for number in range(2_000):
        if number % 100:
            pages = changed(pages, [Delete(_version(number))], _new_name)
    assert len(pages) <= MAX_WASTE
    assert len(list(records_of(pages))) == 20


def test_nothing_is_no_page() -> None:
    assert changed(_many(1), [Delete(_version(0))], _new_name) == ()


def test_a_record_that_no_item_can_hold_is_refused() -> None:
    with pytest.raises(StorageFullError, match="application 'shop' has 40"):
        changed((), [Put(_app("shop", "x" * 400_000))], _new_name)


@pytest.mark.parametrize("text", ["", "application", "application {}", "planet {}", "application [1]", "version null"])
def test_what_is_no_page_is_not_read_as_one(text: str) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Page.read("page", text)
