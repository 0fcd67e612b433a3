"""A trained model goes to production, and answers over HTTP what it answers in process."""

import time

from rich.progress import track

from clipper_sls.deployers.python import deploy_python_closure
from examples.demo.asking import Answer, Asker
from examples.demo.models import Rows, accuracy, marked, predictor
from examples.demo.stage import APPLICATION, DEFAULT_OUTPUT, MODEL, TREE, Stage

TITLE = "A model goes to production"


def play(stage: Stage) -> None:
    seconds = stage.engine.start()
    stage.claims.check(f"{stage.engine.what} gets ready", f"in {seconds:.2f} s", held=True)
    _deploy(stage)
    expected = stage.tree.predict(stage.data.test_rows).tolist()
    _compare(stage, "one by one", _ask_singly(stage), expected)
    _compare(stage, "as input_batch", _ask_in_batches(stage), expected)


def _deploy(stage: Stage) -> None:
    connection = stage.connect()
    connection.register_application(APPLICATION, "doubles", DEFAULT_OUTPUT, stage.engine.objective_ms * 1000)
    started_at = time.monotonic()
    deploy_python_closure(connection, MODEL, 1, "doubles", predictor(stage.tree, TREE))
    connection.link_model_to_app(APPLICATION, MODEL)
    asker = stage.asker()
    first = asker.insist(stage.data.test_rows[0])
    asker.close()
    stage.engine.look()
    measured = f"first answer after {time.monotonic() - started_at:.2f} s"
    stage.claims.check("version 1 is deployed, linked and answers", measured, held=first.by == TREE)


def _ask_singly(stage: Stage) -> list[Answer]:
    asker = stage.asker()
    rows = track(stage.data.test_rows, "  asking one by one", console=stage.console, transient=True)
    answers = [asker.ask(marked(row, 1)) for row in rows]
    return _with_defaults_asked_again(asker, stage.data.test_rows, answers)


def _ask_in_batches(stage: Stage, size: int = 100) -> list[Answer]:
    asker = stage.asker()
    rows = [marked(row, 2) for row in stage.data.test_rows]
    answers: list[Answer] = []
    for start in range(0, len(rows), size):
        answers += asker.ask_batch(rows[start : start + size])
    return _with_defaults_asked_again(asker, rows, answers)


def _with_defaults_asked_again(asker: Asker, rows: Rows, answers: list[Answer]) -> list[Answer]:
    """Accuracy is about what the model says, not about whether it had the time to; closes `asker`."""
    answered = [asker.insist(row) if answer.is_default else answer for row, answer in zip(rows, answers, strict=True)]
    asker.close()
    return answered


def _compare(stage: Stage, how: str, answers: list[Answer], expected: list[int]) -> None:
    digits = stage.data.test_digits
    over_rest = accuracy([answer.digit for answer in answers], digits)
    in_process = accuracy(list(expected), digits)
    median_ms = sorted(answer.received_at - answer.sent_at for answer in answers)[len(answers) // 2] * 1000
    stage.claims.check(
        f"accuracy over REST, {how}, equals that in process",
        f"{over_rest:.2%} = {in_process:.2%} on {len(answers)} digits, median {median_ms:.1f} ms",
        held=[answer.digit for answer in answers] == expected,
    )
