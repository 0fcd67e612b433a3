from clipper_sls.domain.deployment.function import PublishedFunction
from clipper_sls.domain.split import SPLIT_S, SplitWatch

ASKED = PublishedFunction("f", "7", "current")
BEFORE = PublishedFunction("f", "6", "current")


def test_without_answers_by_others_nothing_is_split() -> None:
    watch = SplitWatch()
    watch.observe(ASKED, False, 1.0)
    assert not watch.is_split(ASKED, 1.0)


def test_answers_of_both_are_a_split_for_a_while() -> None:
    watch = SplitWatch()
    for moment, is_by_other in ((1.0, False), (2.0, True), (3.0, False)):
        watch.observe(ASKED, is_by_other, moment)
    assert watch.is_split(ASKED, 3.0)
    assert watch.is_split(ASKED, 2.9 + SPLIT_S)
    assert not watch.is_split(ASKED, 3.0 + SPLIT_S)
    assert not watch.is_split(BEFORE, 3.0)


def test_it_lasts_while_the_other_answers() -> None:
    watch = SplitWatch()
    for moment in range(1, 300):
        watch.observe(ASKED, moment % 50 == 0, float(moment))
    assert watch.is_split(ASKED, 300.0)


def test_a_version_that_took_over_is_no_split() -> None:
    watch = SplitWatch()
    watch.observe(BEFORE, False, 1.0)
    watch.observe(BEFORE, True, 2.0)
    watch.observe(BEFORE, True, 3.0)
    watch.observe(ASKED, False, 4.0)
    assert not watch.is_split(BEFORE, 4.0)
    assert not watch.is_split(ASKED, 4.0)


def test_an_answer_long_after_another_ones_is_no_split() -> None:
    watch = SplitWatch()
    watch.observe(ASKED, True, 1.0)
    watch.observe(ASKED, False, 2.0 + SPLIT_S)
    assert not watch.is_split(ASKED, 2.0 + SPLIT_S)
