"""A better version takes over while clients keep asking."""

from clipper_sls.deployers.python import deploy_python_closure
from examples.demo.asking import crowd
from examples.demo.engine import wait_until
from examples.demo.models import accuracy, marked, predictor
from examples.demo.stage import APPLICATION, MODEL, READY_LIMIT_S, SVM, TREE, Stage
from examples.demo.switching import Switch, check_switch, count

TITLE = "A better version takes over, under load"
AFTERWARDS = 60  # answers of the crowd to wait for once the new version is current


def play(stage: Stage) -> None:
    connection = stage.connect()
    with crowd(stage.engine.query, APPLICATION, stage.data.test_rows) as answers:
        wait_until(lambda: len(answers) >= AFTERWARDS, READY_LIMIT_S)
        deploy_python_closure(connection, MODEL, 2, "doubles", predictor(stage.svm, SVM))
        wait_until(lambda: count(answers, SVM) >= AFTERWARDS, READY_LIMIT_S)
    check_switch(stage.claims, "upgrade", Switch(answers, before=TREE, after=SVM))
    _check_better(stage)


def _check_better(stage: Stage) -> None:
    asker = stage.asker()
    rows = [marked(row, 3) for row in stage.data.test_rows]
    answers = [answer for start in range(0, len(rows), 100) for answer in asker.ask_batch(rows[start : start + 100])]
    asker.close()
    digits = stage.data.test_digits
    before = accuracy(stage.tree.predict(stage.data.test_rows).tolist(), digits)
    after = accuracy([answer.digit for answer in answers], digits)
    stage.claims.check("version 2 is better", f"{before:.2%} before, {after:.2%} now", held=after > before)
