"""The old version comes back at once; the new one can still be asked for by name."""

import time

from examples.demo.asking import crowd
from examples.demo.engine import wait_until
from examples.demo.stage import APPLICATION, MODEL, READY_LIMIT_S, SVM, TREE, Stage
from examples.demo.switching import Switch, check_switch, count

TITLE = "Rolling back, and pinning a version"
ANSWERS = 60  # of the crowd, before and after


def play(stage: Stage) -> None:
    _roll_back(stage)
    _pin(stage)
    stage.connect().set_model_version(MODEL, 2)


def _roll_back(stage: Stage) -> None:
    connection = stage.connect()
    with crowd(stage.engine.query, APPLICATION, stage.data.test_rows) as answers:
        wait_until(lambda: len(answers) >= ANSWERS, READY_LIMIT_S)
        asked_at = time.monotonic()
        version = connection.rollback(MODEL)
        wait_until(lambda: count(answers, TREE) >= ANSWERS, READY_LIMIT_S)
    switch = Switch(answers, before=SVM, after=TREE)
    check_switch(stage.claims, "rollback", switch)
    seconds = switch.moment - asked_at
    held = version == connection.get_current_model_version(MODEL) == "1" and seconds < 1
    stage.claims.check("a rollback takes less than a second", f"{seconds * 1000:.0f} ms to the first answer", held)


def _pin(stage: Stage) -> None:
    asker = stage.asker()
    row = stage.data.test_rows[0]
    by = {version: asker.insist(row, version).by for version in (None, "1", "2")}
    asker.close()
    stage.claims.check(
        "a request may pin a version",
        f"2: {by['2']}; none: {by[None]}",
        held=by == {None: TREE, "1": TREE, "2": SVM},
    )
