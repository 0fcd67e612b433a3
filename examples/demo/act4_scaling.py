"""One replica becomes three, all of which work, and one again."""

import psutil

from clipper_sls import ClipperConnection
from examples.demo.asking import Tally, crowd
from examples.demo.engine import Replica, wait_until
from examples.demo.stage import APPLICATION, MODEL, READY_LIMIT_S, Stage

TITLE = "From one replica to three, and back"
VERSION = "2"


def play(stage: Stage) -> None:
    connection = stage.connect()
    with crowd(stage.engine.query, APPLICATION, stage.data.test_rows, clients=6) as answers:
        three = _scale_up(stage, connection)
        connection.set_num_replicas(MODEL, 1)
        has_one = stage.wait_for_replicas(VERSION, 1)
    gone = [replica.pid for replica in three if replica.pid and replica.pid not in stage.ready_pids(VERSION)]
    have_ended = wait_until(lambda: not any(psutil.pid_exists(pid) for pid in gone), READY_LIMIT_S)
    count = connection.get_num_replicas(MODEL)
    stage.claims.check(
        "back to one, and the other two have ended",
        f"{len(gone)} processes ended, {count} replica left",
        held=has_one and have_ended and len(gone) == 2 and count == 1,
    )
    tally = Tally.of(answers)
    stage.claims.check("no request fails meanwhile", str(tally), held=not tally.problems)


def _scale_up(stage: Stage, connection: ClipperConnection) -> list[Replica]:
    connection.set_num_replicas(MODEL, 3)
    has_three = stage.wait_for_replicas(VERSION, 3)
    stage.engine.look()
    all_work = wait_until(lambda: all(replica.rows_answered for replica in stage.replicas(VERSION)), READY_LIMIT_S)
    three = stage.replicas(VERSION)
    rows = ", ".join(str(replica.rows_answered) for replica in three)
    held = has_three and all_work and len(three) == 3
    stage.claims.check("three replicas share the work", f"they answered {rows} queries", held)
    return three
