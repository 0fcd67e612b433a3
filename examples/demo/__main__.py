"""Plays the acts and says what became of the claims. Exit code 0 when every claim held, 1 otherwise.

With `--aws` on AWS, where AWS is this machine. Two acts are others there: environments come by need beyond those that
are kept ready, and what the stack holds does not outlive the emulator.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from examples.demo import (
    act1_deploying,
    act2_upgrading,
    act3_rolling_back,
    act4_keeping_ready,
    act4_scaling,
    act5_killing_a_replica,
    act6_killing_aws,
    act6_killing_the_engine,
    act7_leaving,
)
from examples.demo.claims import Claims
from examples.demo.engine import DemoEngine
from examples.demo.models import load, train_svm, train_tree
from examples.demo.stage import Stage

Acts = Sequence[tuple[str, Callable[[Stage], None]]]

FIRST = (act1_deploying, act2_upgrading, act3_rolling_back)
ACTS = (*FIRST, act4_scaling, act5_killing_a_replica, act6_killing_the_engine, act7_leaving)
ACTS_ON_AWS = (*FIRST, act4_keeping_ready, act5_killing_a_replica, act6_killing_aws, act7_leaving)


def main(arguments: Sequence[str]) -> int:
    is_on_aws = "--aws" in arguments
    console = Console()
    claims = Claims(console)
    started_at = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="clipper-sls-demo-", ignore_cleanup_errors=True) as folder:
        engine = _aws(Path(folder)) if is_on_aws else DemoEngine(Path(folder))
        acts = [(act.TITLE, act.play) for act in (ACTS_ON_AWS if is_on_aws else ACTS)]
        try:
            _play_all(console, claims, engine, acts)
        finally:
            engine.abandon()
    console.print()
    console.print(claims.summary())
    held = sum(claim.held for claim in claims.checked)
    seconds = time.monotonic() - started_at
    console.print(f"{held} of {len(claims.checked)} claims held, in {seconds:.0f} s.", highlight=False)
    return 0 if claims.all_held else 1


def _aws(folder: Path) -> DemoEngine:
    from examples.demo.aws import DemoAws

    return DemoAws(folder)


def _play_all(console: Console, claims: Claims, engine: DemoEngine, acts: Acts) -> None:
    with console.status("training a decision tree and a support vector machine on handwritten digits"):
        data = load()
        stage = Stage(console, claims, engine, data, train_tree(data), train_svm(data))
    for number, (title, play) in enumerate(acts, start=1):
        console.print(f"\n[bold]{number}. {title}[/]", highlight=False)
        try:
            with console.status("..."):
                play(stage)
        except Exception as error:  # whatever it is, the demo failed, and what it started must end
            claims.check(f"act {number} can be played to its end", f"{type(error).__name__}: {error}", held=False)
            console.print(f"The end of the engine's output:\n{engine.log_tail()}", markup=False, highlight=False)
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
