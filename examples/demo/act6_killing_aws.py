"""AWS on this machine is killed, and started again with nothing: what AWS would keep is in its memory here."""

from examples.demo.engine import wait_until
from examples.demo.stage import READY_LIMIT_S, Stage

TITLE = "AWS on this machine dies, and begins anew"


def play(stage: Stage) -> None:
    stage.engine.kill()
    have_ended = wait_until(lambda: not stage.engine.left_over(), READY_LIMIT_S)
    left = len(stage.engine.left_over())
    stage.claims.check("nothing outlives it: no function, no server", f"{left} processes left", held=have_ended)
    seconds = stage.engine.start()
    models = stage.connect().get_all_models()
    stage.claims.check("a new one has an empty stack", f"after {seconds:.2f} s, {len(models)} models", held=not models)
