"""The only replica of the version, on AWS all of them, is killed while clients keep asking."""

import os
import signal
import time
from contextlib import suppress

from examples.demo.asking import Answer, Tally, crowd
from examples.demo.engine import wait_until
from examples.demo.stage import APPLICATION, READY_LIMIT_S, SVM, Stage

TITLE = "A replica dies under load"
VERSION = "2"
ANSWERS = 60


def play(stage: Stage) -> None:
    victims = stage.ready_pids(VERSION)
    with crowd(stage.engine.query, APPLICATION, stage.data.test_rows) as answers:
        wait_until(lambda: len(answers) >= ANSWERS, READY_LIMIT_S)
        killed_at = time.monotonic()
        victims |= stage.ready_pids(VERSION)  # on AWS there may be more by now
        for victim in victims:
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        came_back = wait_until(lambda: bool(stage.ready_pids(VERSION) - victims), READY_LIMIT_S)
        back_at = time.monotonic()
        answers_again = wait_until(lambda: _predicted(answers, since=back_at) >= ANSWERS, READY_LIMIT_S)
        stage.engine.look()
    stage.claims.check(
        "clients see an answer or the default, nothing else",
        f"{Tally.of(answers)}, {_predicted(answers)} answers",
        held=_predicted(answers) + Tally.of(answers).defaults == len(answers),
    )
    measured = f"ready after {back_at - killed_at:.2f} s, as a new process"
    stage.claims.check("the replica comes back by itself", measured, held=came_back and answers_again)


def _predicted(answers: list[Answer], since: float = 0.0) -> int:
    return sum(answer.by == SVM and answer.sent_at >= since for answer in list(answers))
