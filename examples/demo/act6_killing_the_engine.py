"""The whole engine is killed, and started again on what it left."""

from typing import Any

from examples.demo.engine import wait_until
from examples.demo.stage import APPLICATION, MODEL, READY_LIMIT_S, SVM, TREE, Stage

TITLE = "The engine dies, and starts again"


def play(stage: Stage) -> None:
    before = _registered(stage)
    stage.engine.kill()
    orphans_ended = wait_until(lambda: not stage.engine.left_over(), READY_LIMIT_S)
    stage.claims.check(
        "no replica outlives a killed engine", f"{len(stage.engine.left_over())} processes left", held=orphans_ended
    )
    seconds = stage.engine.start()
    after = _registered(stage)
    models = ", ".join(model["model_version"] for model in after["models"])
    stage.claims.check(
        "everything registered is still there",
        f"ready after {seconds:.2f} s: versions {models}, current {after['current']}",
        held=before == after,
    )
    _check_serving(stage)


def _registered(stage: Stage) -> dict[str, Any]:
    connection = stage.connect()
    return {
        "applications": connection.get_all_apps(verbose=True),
        "models": connection.get_all_models(verbose=True),
        "links": connection.get_linked_models(APPLICATION),
        "current": connection.get_current_model_version(MODEL),
    }


def _check_serving(stage: Stage) -> None:
    asker = stage.asker()
    row = stage.data.test_rows[0]
    answers = [asker.insist(row, version) for version in (None, "1")]
    asker.close()
    stage.claims.check(
        "and both versions answer",
        " and ".join(answer.by or answer.problem or "the default" for answer in answers),
        held=[answer.by for answer in answers] == [SVM, TREE],
    )
