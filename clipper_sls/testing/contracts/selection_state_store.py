"""What every store of selection states must do. A subclass has the fixture `states`."""

import asyncio

import pytest

from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.selection.state_rules import MAX_STATE_BYTES
from clipper_sls.errors import StaleWriteError, StorageFullError
from clipper_sls.ports.selection_state_store import SelectionStateStore, VersionedState

SHOP, BANK = AppName("shop"), AppName("bank")


class SelectionStateStoreContract:
    async def test_what_was_never_written_is_not_there(self, states: SelectionStateStore) -> None:
        assert await states.read(SHOP, None) is None
        assert await states.read(SHOP, 7) is None

    async def test_a_state_comes_back_as_it_was_with_its_revision(self, states: SelectionStateStore) -> None:
        content = bytes(range(256))
        assert await states.write(SHOP, None, content, 0) == VersionedState(content, 1)
        assert await states.read(SHOP, None) == VersionedState(content, 1)
        assert await states.write(SHOP, None, b"", 1) == VersionedState(b"", 2)
        assert await states.read(SHOP, None) == VersionedState(b"", 2)

    async def test_each_user_and_each_application_has_its_own(self, states: SelectionStateStore) -> None:
        places = [(SHOP, None), (SHOP, 0), (SHOP, -7), (SHOP, 7), (BANK, 7)]
        for number, (application, user_id) in enumerate(places):
            await states.write(application, user_id, b"%d" % number, 0)
        found = [await states.read(application, user_id) for application, user_id in places]
        assert found == [VersionedState(b"%d" % number, 1) for number in range(len(places))]

    @pytest.mark.parametrize("expected", [0, 1, 3])
    async def test_a_stale_write_is_refused_and_changes_nothing(
        self, states: SelectionStateStore, expected: int
    ) -> None:
        await states.write(SHOP, 7, b"first", 0)
        await states.write(SHOP, 7, b"second", 1)
        with pytest.raises(StaleWriteError, match="for user 7 is no longer at revision"):
            await states.write(SHOP, 7, b"other", expected)
        assert await states.read(SHOP, 7) == VersionedState(b"second", 2)

    async def test_a_state_that_should_be_there_and_is_not_is_stale(self, states: SelectionStateStore) -> None:
        with pytest.raises(StaleWriteError, match="for all users"):
            await states.write(SHOP, None, b"x", 1)
        assert await states.read(SHOP, None) is None

    async def test_of_many_at_once_on_one_revision_exactly_one_wins(self, states: SelectionStateStore) -> None:
        await states.write(SHOP, None, b"first", 0)
        results = await asyncio.gather(
            *(states.write(SHOP, None, b"%d" % number, 1) for number in range(10)), return_exceptions=True
        )
        winners = [result for result in results if isinstance(result, VersionedState)]
        assert sum(isinstance(result, StaleWriteError) for result in results) == 9
        assert [await states.read(SHOP, None)] == winners

    async def test_no_update_is_lost_when_all_try_again(self, states: SelectionStateStore) -> None:
        async def add_one() -> None:
            while True:
                found = await states.read(SHOP, None) or VersionedState(b"0", 0)
                try:
                    await states.write(SHOP, None, b"%d" % (int(found.state) + 1), found.revision)
                except StaleWriteError:
                    continue
                return

        await asyncio.gather(*(add_one() for _ in range(8)))
        assert await states.read(SHOP, None) == VersionedState(b"8", 8)

    async def test_the_largest_state_is_kept_and_a_larger_one_refused(self, states: SelectionStateStore) -> None:
        await states.write(SHOP, None, b"1" * MAX_STATE_BYTES, 0)
        with pytest.raises(StorageFullError, match="application 'shop' has 262145 bytes"):
            await states.write(SHOP, None, b"2" * (MAX_STATE_BYTES + 1), 1)
        assert await states.read(SHOP, None) == VersionedState(b"1" * MAX_STATE_BYTES, 1)

    async def test_what_is_forgotten_begins_anew_and_others_stay(self, states: SelectionStateStore) -> None:
        for application, user_id in ((SHOP, None), (SHOP, 7), (BANK, 7)):
            await states.write(application, user_id, b"x", 0)
        await states.forget(SHOP)
        await states.forget(SHOP)
        assert (await states.read(SHOP, None), await states.read(SHOP, 7)) == (None, None)
        assert await states.read(BANK, 7) == VersionedState(b"x", 1)
        assert await states.write(SHOP, 7, b"y", 0) == VersionedState(b"y", 1)
