"""The registry in DynamoDB: immutable pages of records, and one head that names the revision and its pages.

A commit writes the pages that are new, then moves the head under the condition that nobody else has, then removes what
no reader needs. Until the head has moved nothing of it can be seen, and what a process that ended in between has left
is removed with the next commit.
"""

import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from clipper_sls.adapters.aws.dynamodb.registry_head import EMPTY, Head, State
from clipper_sls.adapters.aws.dynamodb.registry_pages import Page, Pages, changed
from clipper_sls.adapters.aws.dynamodb.table import Condition, DynamoTable, Item
from clipper_sls.domain.changes import Change
from clipper_sls.domain.query import Deadline
from clipper_sls.domain.records import RegistrySnapshot
from clipper_sls.errors import ClipperError, StaleWriteError, StoreError, StoreUnavailableError

PARTITION, HEAD = "registry", "head"
"""Of the keys: all items are of one partition. A page's sort key begins with the revision that it was written for."""

logger = logging.getLogger(__name__)


class DynamoRegistry:
    """`new_id` gives a text that it never gives twice, in no process.

    What was read last is kept: while the head is the same nothing else is read, and else only pages that are new.
    """

    def __init__(self, table: DynamoTable, *, new_id: Callable[[], str]) -> None:
        self._table = table
        self._new_id = new_id
        self._state = State(EMPTY, ())

    async def snapshot(self) -> RegistrySnapshot:
        return (await self._read(self._table.deadline())).snapshot

    async def commit(self, changes: Sequence[Change], expected_revision: int) -> RegistrySnapshot:
        deadline = self._table.deadline()
        before = self._state
        if not changes or before.head.revision != expected_revision:
            before = await self._read(deadline)
        if not changes:
            return before.snapshot
        if before.head.revision != expected_revision:
            raise _stale(expected_revision)
        after = self._after(before, changes)
        await self._write_pages(before, after, deadline)
        await self._move_head(before, after, deadline)
        self._state = after
        await self._sweep(before, after, deadline)
        return after.snapshot

    def _after(self, before: State, changes: Sequence[Change]) -> State:
        commit, numbers = self._new_id(), itertools.count()
        begin = f"{_page_names(before.head.revision + 1)}{commit}"
        pages = changed(before.pages, changes, lambda: f"{begin}-{next(numbers)}")
        return State(before.head.moved(commit, [page.name for page in pages]), pages)

    async def _read(self, deadline: Deadline) -> State:
        """Begins again when pages are gone, for then their head has been replaced since it was read."""
        lacking: str | None = None
        while True:
            head = await self._head(deadline)
            if head.commit == self._state.head.commit:
                return self._state
            if head.commit == lacking:
                raise self._unreadable("it lacks pages that it should have")
            pages = await self._pages(head, self._state.pages, deadline)
            if pages is not None:
                self._state = State(head, pages)
                return self._state
            lacking = head.commit

    async def _head(self, deadline: Deadline) -> Head:
        item = await self._table.get(_key(HEAD), deadline)
        with self._readable():
            return EMPTY if item is None else Head.of(item)

    async def _pages(self, head: Head, known: Pages, deadline: Deadline) -> Pages | None:
        """None when some are gone. First for half the price: of what never changes, old and new are the same."""
        pages = {page.name: page for page in known}
        for consistent in (False, True):
            missing = [_key(name) for name in head.pages if name not in pages]
            if missing:
                items = await self._table.find(missing, deadline, consistent=consistent)
                with self._readable():
                    read = [Page.read(item["item"]["S"], item["records"]["S"]) for item in items]
                pages |= {page.name: page for page in read}
        if any(name not in pages for name in head.pages):
            return None
        return tuple(pages[name] for name in head.pages)

    async def _write_pages(self, before: State, after: State, deadline: Deadline) -> None:
        items = [{**_key(page.name), "records": {"S": page.text}} for page in _new_pages(before, after)]
        try:
            await self._table.put_all(items, deadline)
        except StoreError:
            await self._remove((page.name for page in _new_pages(before, after)), deadline)
            raise

    async def _move_head(self, before: State, after: State, deadline: Deadline) -> None:
        """Where this fails with StoreUnavailableError nobody knows whether it has moved, and the pages stay."""
        if not before.head.commits:
            condition = Condition("attribute_not_exists(#item)", {"#item": "item"})
        else:
            condition = Condition("#commit = :before", {"#commit": "commit"}, {":before": {"S": before.head.commit}})
        if await self._table.put({**_key(HEAD), **after.head.fields()}, deadline, condition):
            return
        if after.head.commit not in (await self._head(deadline)).commits:
            await self._remove((page.name for page in _new_pages(before, after)), deadline)
            raise _stale(before.head.revision)

    async def _sweep(self, before: State, after: State, deadline: Deadline) -> None:
        """Remove all pages that were written for this revision or an earlier one, and are not of the newest two heads.

        Nobody can come to need them: whoever is still to move a head from an earlier revision will be refused. Those of
        the head before are for readers who have just read it.
        """
        key = Condition(
            "#partition = :partition AND #item BETWEEN :first AND :last",
            {"#partition": "partition", "#item": "item"},
            {
                ":partition": {"S": PARTITION},
                ":first": {"S": _page_names(0)},
                ":last": {"S": _page_names(after.head.revision) + "~"},
            },
        )
        try:
            found = self._table.query(key, deadline, consistent=False, attributes=("item",))
            names = [item["item"]["S"] async for item in found]
        except StoreError as error:
            logger.warning("Old pages of the registry were not removed, the next change will do that: %s", error)
            return
        await self._remove((name for name in names if name not in {*before.head.pages, *after.head.pages}), deadline)

    async def _remove(self, names: Iterable[str], deadline: Deadline) -> None:
        try:
            await self._table.remove([_key(name) for name in names], deadline)
        except StoreError as error:
            logger.warning("Old pages of the registry were not removed, the next change will do that: %s", error)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (KeyError, TypeError, ValueError, ClipperError) as error:
            raise self._unreadable(repr(error)) from error

    def _unreadable(self, why: str) -> StoreUnavailableError:
        return StoreUnavailableError(
            f"The registry in the table {self._table.name} of DynamoDB cannot be read ({why}); restore the table to a "
            f"point in time before it was damaged"
        )


def _page_names(revision: int) -> str:
    """What the names of pages begin with that were written for `revision`."""
    return f"page#{revision:012d}#"


def _key(item: str) -> Item:
    return {"partition": {"S": PARTITION}, "item": {"S": item}}


def _new_pages(before: State, after: State) -> list[Page]:
    known = set(before.head.pages)
    return [page for page in after.pages if page.name not in known]


def _stale(revision: int) -> StaleWriteError:
    return StaleWriteError(f"The registry is no longer at revision {revision}")
