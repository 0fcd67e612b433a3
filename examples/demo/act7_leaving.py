"""The engine is told to end, and nothing of it stays behind."""

from examples.demo.engine import wait_until
from examples.demo.stage import Stage

TITLE = "The end"
LIMIT_S = 5.0


def play(stage: Stage) -> None:
    exit_code = stage.engine.stop()
    wait_until(lambda: not stage.engine.left_over(), LIMIT_S)
    left = stage.engine.left_over()
    stage.claims.check(
        f"{stage.engine.what} ends cleanly and leaves no process behind",
        f"exit code {exit_code}, {len(left)} processes left",
        held=exit_code == 0 and not left,
    )
