"""How a registry is laid out in immutable pages of bounded size, and what a change makes of them. Pure.

A page is text, one record a line: its kind, a blank, its JSON. Pages that a change does not touch are kept, so that a
rollback in a registry of thousands of versions writes one page and not all of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from clipper_sls.domain.changes import Change, Delete, Put
from clipper_sls.domain.record_json import record_from_json, record_key, record_to_json
from clipper_sls.domain.records import Record
from clipper_sls.errors import StorageFullError

PAGE_BYTES = 64 * 1024
"""A change writes one page, and AWS lets one partition take a megabyte a second."""
MAX_RECORD_BYTES = 350_000
"""An item may have 400 KB, names and other attributes included. A record that is larger than a page has one alone."""
MAX_WASTE = 4
"""All is packed anew when there are more pages than these times as many as are needed."""

RecordKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """Records in the order in which they were first registered; `name` is never given to another page."""

    name: str
    lines: Mapping[RecordKey, str]
    records: Mapping[RecordKey, Record]

    @classmethod
    def read(cls, name: str, text: str) -> "Page":
        """The inverse of `text`. Raises KeyError, TypeError, ValueError or a ClipperError when it is no page."""
        lines: dict[RecordKey, str] = {}
        records: dict[RecordKey, Record] = {}
        for line in text.split("\n"):
            kind, _, body = line.partition(" ")
            record = record_from_json(kind, body)
            key = record_key(record)
            lines[key], records[key] = line, record
        return cls(name, lines, records)

    @property
    def text(self) -> str:
        return "\n".join(self.lines.values())


Pages = tuple[Page, ...]
NewName = Callable[[], str]


def records_of(pages: Iterable[Page]) -> Iterator[Record]:
    for page in pages:
        yield from page.records.values()


def changed(pages: Pages, changes: Sequence[Change], new_name: NewName) -> Pages:
    """The pages after `changes`; those that are the same objects as before need not be written.

    A record that is replaced keeps its place, a new one is the last. Raises StorageFullError for one that is too large.
    """
    draft = _Draft(pages)
    for change in changes:
        match change:
            case Put(record):
                draft.put(record)
            case Delete(record):
                draft.delete(record_key(record))
    return draft.finished(new_name)


class _Draft:
    """Pages that are being changed: those that are touched are written anew."""

    def __init__(self, pages: Pages) -> None:
        self._pages: list[Page | None] = list(pages)  # None: touched
        self._lines: list[dict[RecordKey, str]] = [dict(page.lines) for page in pages]
        self._records = {key: record for page in pages for key, record in page.records.items()}
        self._place = {key: place for place, page in enumerate(pages) for key in page.lines}

    def put(self, record: Record) -> None:
        key, line = record_key(record), _line(record)
        if key not in self._place:
            self._place[key] = self._place_for(line)
        self._lines[self._place[key]][key] = line
        self._records[key] = record
        self._pages[self._place[key]] = None

    def delete(self, key: RecordKey) -> None:
        place = self._place.pop(key, None)
        if place is not None:
            del self._lines[place][key]
            self._pages[place] = None

    def finished(self, new_name: NewName) -> Pages:
        parts: list[Page | dict[RecordKey, str]] = []
        for page, lines in zip(self._pages, self._lines, strict=True):
            parts += _packed(lines) if page is None else [page]
        if len(parts) > MAX_WASTE * (1 + sum(map(_size, self._lines)) // PAGE_BYTES):
            parts = [*_packed({key: line for lines in self._lines for key, line in lines.items()})]
        return tuple(part if isinstance(part, Page) else self._page(new_name(), part) for part in parts)

    def _place_for(self, line: str) -> int:
        """Of a record that is new: the last page, while there is room."""
        if not self._lines or _size(self._lines[-1]) + len(line) >= PAGE_BYTES:
            self._pages.append(None)
            self._lines.append({})
        return len(self._lines) - 1

    def _page(self, name: str, lines: Mapping[RecordKey, str]) -> Page:
        return Page(name, lines, {key: self._records[key] for key in lines})


def _line(record: Record) -> str:
    kind, name = record_key(record)
    line = f"{kind} {record_to_json(record)}"
    if len(line) > MAX_RECORD_BYTES:
        raise StorageFullError(
            f"The {kind} {name!r} has {len(line)} bytes as JSON, and a registry in DynamoDB takes {MAX_RECORD_BYTES} "
            f"for one; nothing was kept. Give it a shorter default output, or fewer labels"
        )
    return line


def _packed(lines: Mapping[RecordKey, str]) -> Iterator[dict[RecordKey, str]]:
    """`lines`, in order, in as few pages as that takes; none for no lines."""
    page: dict[RecordKey, str] = {}
    size_bytes = 0
    for key, line in lines.items():
        if page and size_bytes + len(line) + 1 > PAGE_BYTES:
            yield page
            page, size_bytes = {}, 0
        page[key] = line
        size_bytes += len(line) + 1
    if page:
        yield page


def _size(lines: Mapping[RecordKey, str]) -> int:
    return sum(len(line) + 1 for line in lines.values())
