"""Plays the acts and says what became of the claims. Exit code 0 when every claim held, 1 otherwise."""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from examples.demo import (
    act1_deploying,
    act2_upgrading,
    act3_rolling_back,
    act4_scaling,
    act5_killing_a_replica,
    act6_killing_the_engine,
    act7_leaving,
)
from examples.demo.claims import Claims
from examples.demo.engine import DemoEngine
from examples.demo.models import load, train_svm, train_tree
from examples.demo.stage import Stage

ACTS: list[tuple[str, Callable[[Stage], None]]] = [
    (act.TITLE, act.play)
    for act in (
        act1_deploying,
        act2_upgrading,
        act3_rolling_back,
        act4_scaling,
        act5_killing_a_replica,
        act6_killing_the_engine,
        act7_leaving,
    )
]


def main() -> int:
    console = Console()
    claims = Claims(console)
    started_at = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="clipper-sls-demo-", ignore_cleanup_errors=True) as folder:
        engine = DemoEngine(Path(folder))
        try:
            _play_all(console, claims, engine)
        finally:
            engine.abandon()
    console.print()
    console.print(claims.summary())
    held = sum(claim.held for claim in claims.checked)
    seconds = time.monotonic() - started_at
    console.print(f"{held} of {len(claims.checked)} claims held, in {seconds:.0f} s.", highlight=False)
    return 0 if claims.all_held else 1


def _play_all(console: Console, claims: Claims, engine: DemoEngine) -> None:
    with console.status("training a decision tree and a support vector machine on handwritten digits"):
        data = load()
        stage = Stage(console, claims, engine, data, train_tree(data), train_svm(data))
    for number, (title, play) in enumerate(ACTS, start=1):
        console.print(f"\n[bold]{number}. {title}[/]", highlight=False)
        try:
            with console.status("..."):
                play(stage)
        except Exception as error:  # whatever it is, the demo failed, and what it started must end
            claims.check(f"act {number} can be played to its end", f"{type(error).__name__}: {error}", held=False)
            console.print(f"The end of the engine's output:\n{engine.log_tail()}", markup=False, highlight=False)
            return


if __name__ == "__main__":
    sys.exit(main())
