"""On AWS: one environment becomes three that are kept ready, more come by need, and one is left when nobody asks."""

import psutil

from examples.demo.asking import Tally, crowd
from examples.demo.engine import Replica, wait_until
from examples.demo.stage import APPLICATION, MODEL, READY_LIMIT_S, Stage

TITLE = "Three environments that are kept ready, and one again"
VERSION = "2"


def play(stage: Stage) -> None:
    connection = stage.connect()
    with crowd(stage.engine.query, APPLICATION, stage.data.test_rows, clients=6) as answers:
        connection.set_num_replicas(MODEL, 3)
        busy = _working(stage)
    tally = Tally.of(answers)
    stage.claims.check("no request fails meanwhile", str(tally), held=not tally.problems)
    connection.set_num_replicas(MODEL, 1)
    has_one = stage.wait_for_replicas(VERSION, 1)
    gone = {replica.pid for replica in busy if replica.pid} - stage.ready_pids(VERSION)
    have_ended = wait_until(lambda: not any(psutil.pid_exists(pid) for pid in gone), READY_LIMIT_S)
    stage.claims.check(
        "one is left when nobody asks, and the others have ended",
        f"{len(gone)} processes ended, {connection.get_num_replicas(MODEL)} kept ready",
        held=has_one and have_ended and len(gone) >= 2 and connection.get_num_replicas(MODEL) == 1,
    )


def _working(stage: Stage) -> list[Replica]:
    """Environments that have answered, once there are three at least."""

    def working() -> list[Replica]:
        return [replica for replica in stage.replicas(VERSION) if replica.rows_answered]

    held = wait_until(lambda: len(working()) >= 3, READY_LIMIT_S)
    stage.engine.look()
    rows = ", ".join(str(replica.rows_answered) for replica in working())
    stage.claims.check("three environments share the work, or more", f"they answered {rows} calls", held)
    return working()
