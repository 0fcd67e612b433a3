"""A row that makes the function raise, or answer what is no answer, gets the default output and spoils no other."""

from concurrent.futures import ThreadPoolExecutor

import pytest


@pytest.mark.parametrize(
    ("order", "detail"),
    [
        ("raise", "ValueError: a bad row"),
        ("sys.exit", "SystemExit: 4"),
        ("recurse", "RecursionError"),
        ("allocate", "MemoryError"),
        ("set", "holds a set, which JSON cannot hold"),
        ("object", "holds a object, which JSON cannot hold"),
        ("nan", "holds nan, which JSON cannot hold"),
        ("circle", "nested deeper than"),
        ("half a character", "not valid Unicode"),
        ("too few", "Expected model to return 1 outputs, found 0 outputs"),
        ("too many", "Expected model to return 1 outputs, found 2 outputs"),
        ("none", "Model did not return a list. Found NoneType"),
        ("generator", "Model did not return a list. Found generator"),
    ],
)
def test_a_bad_row_gets_the_default_and_its_replica_lives_on(world, order, detail):
    (replica_before,) = world.outputs("pid")
    first, bad, second = world.ask(1, order, 2)
    assert (first["output"], second["output"]) == (2, 4)
    assert "default_reason" not in first
    world.check_default(bad, detail)
    world.check_all_is_well()
    assert world.outputs("pid") == [replica_before]


def test_rows_that_are_all_bad_get_defaults_and_good_ones_are_answered_afterwards(world):
    for answer in world.ask(*["raise"] * 30):
        world.check_default(answer, "ValueError: a bad row")
    world.check_all_is_well()


@pytest.mark.parametrize("order", ["raise", "too few", "set", "os._exit"])
def test_callers_whose_rows_share_a_batch_with_a_bad_one_get_their_answers(world, order):
    rows = [1, 2, order, 3, 4, 5]
    with ThreadPoolExecutor(len(rows) + 1) as callers:
        blocking = callers.submit(world.ask, "sleep a little")
        world.until(lambda: world.pool()["replicas"][0]["state"] == "busy")
        answers = list(callers.map(lambda row: world.ask(row)[0], rows))
        assert blocking.result()[0]["default"] is False
    assert [answer["output"] for answer in answers] == [2, 4, "default of naughty", 6, 8, 10]
    assert [answer["default"] for answer in answers] == [row == order for row in rows]
    world.check_all_is_well()
