from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.domain.jobs.fairness import take_fairly

groups = st.dictionaries(st.sampled_from("abcd"), st.lists(st.integers(), max_size=8), max_size=4)
flights = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 5), max_size=4)


def test_groups_take_turns() -> None:
    assert take_fairly({"a": ["a1", "a2", "a3"], "b": ["b1"]}, {}, 3) == ["a1", "b1", "a2"]


def test_a_group_that_is_worked_on_less_comes_first() -> None:
    assert take_fairly({"a": ["a1", "a2"], "b": ["b1", "b2"]}, {"a": 2}, 3) == ["b1", "b2", "a1"]


@given(groups, flights, st.integers(0, 20))
def test_as_much_is_taken_as_there_is_and_the_oldest_of_each_group(
    waiting: dict[str, list[int]], in_flight: dict[str, int], most: int
) -> None:
    numbered = {group: [(group, index) for index in range(len(found))] for group, found in waiting.items()}
    taken = take_fairly(numbered, in_flight, most)
    assert len(taken) == min(most, sum(map(len, waiting.values())))
    for group, found in numbered.items():
        mine = [one for one in taken if one[0] == group]
        assert mine == found[: len(mine)]


@given(groups, flights, st.integers(0, 20))
def test_no_group_gets_two_more_than_another_that_still_waits(
    waiting: dict[str, list[int]], in_flight: dict[str, int], most: int
) -> None:
    numbered = {group: [group] * len(found) for group, found in waiting.items()}
    taken = take_fairly(numbered, in_flight, most)
    busy = {group: in_flight.get(group, 0) + taken.count(group) for group in numbered}
    for group, found in numbered.items():
        if taken.count(group) < len(found):
            others = [busy[other] for other in numbered if taken.count(other)]
            assert all(other <= busy[group] + 1 or other <= in_flight.get(group, 0) + 1 for other in others)
