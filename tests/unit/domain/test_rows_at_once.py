import pytest

from clipper_sls.domain.rows_at_once import MAX_PARALLEL, MAX_ROWS, RowsAtOnce

BUDGET_S = 1.0


@pytest.fixture
def rows() -> RowsAtOnce:
    return RowsAtOnce()


def _ask(rows: RowsAtOnce, row_count: int, row_s: float, times: int = 1) -> list[int]:
    """Sizes of the largest invocation of queries to a function that takes `row_s` for each of its rows."""
    sizes = []
    for _ in range(times):
        sizes.append(min(row_count, rows.most(row_count)))
        rows.observe(sizes[-1], sizes[-1] * row_s, BUDGET_S)
    return sizes


def test_all_rows_go_together_as_long_as_nothing_speaks_against_it(rows: RowsAtOnce) -> None:
    assert _ask(rows, 1000, 0.0001, times=5) == [1000] * 5


def test_one_slow_query_is_a_cold_start(rows: RowsAtOnce) -> None:
    rows.observe(1000, 9.0, BUDGET_S)
    assert rows.most(1000) >= 1000
    rows.observe(1000, 0.1, BUDGET_S)
    rows.observe(1000, 9.0, BUDGET_S)
    assert rows.most(1000) >= 1000


def test_what_takes_too_long_is_asked_in_parts_that_do_not(rows: RowsAtOnce) -> None:
    sizes = _ask(rows, 1000, 0.002, times=200)  # 250 rows are in time
    assert max(sizes[10:]) <= 330
    assert min(sizes[10:]) >= 125
    late = sum(size * 0.002 > 0.5 * BUDGET_S for size in sizes[10:])
    assert late < 0.35 * len(sizes)
    assert max(sizes[10:]) * 0.002 < BUDGET_S


def test_there_are_never_more_parts_at_one_time_than_may_be(rows: RowsAtOnce) -> None:
    _ask(rows, 1000, 1.0, times=100)
    assert rows.most(1000) == 63
    assert 1000 / rows.most(1000) <= MAX_PARALLEL


def test_it_forgets_what_is_no_longer_so(rows: RowsAtOnce) -> None:
    _ask(rows, 16, 0.1, times=50)
    assert rows.most(16) < 8
    _ask(rows, 5000, 0.000_01, times=100)
    assert rows.most(16) == MAX_ROWS


def test_single_rows_that_are_late_change_nothing(rows: RowsAtOnce) -> None:
    for _ in range(10):
        rows.observe(1, 9.0, BUDGET_S)
    assert rows.most(100) == MAX_ROWS
