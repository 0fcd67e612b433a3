"""Feedback that was acknowledged is never lost."""

import random
import threading
from pathlib import Path

import httpx2

from clipper_sls import ClipperConnection
from clipper_sls.adapters.local.sqlite_feedback import SqliteFeedbackLog
from clipper_sls.bootstrap.engine import DATABASE
from clipper_sls.domain.identifiers import AppName
from clipper_sls.testing.engine import EngineUnderTest


async def test_acknowledged_feedback_survives_a_kill(
    serving: ClipperConnection, engine: EngineUnderTest, state_dir: Path
) -> None:
    killer = threading.Timer(random.SystemRandom().uniform(0.1, 0.5), engine.process.kill)
    acknowledged, sent = [], 0
    with httpx2.Client(base_url=engine.query, timeout=10, trust_env=False, verify=False) as client:
        killer.start()
        while True:
            sent += 1
            try:
                response = client.post("/app/update", json={"uid": sent, "input": [1.5], "label": 2.0})
            except httpx2.HTTPError:
                break
            assert response.status_code == 200, response.text
            acknowledged.append(sent)
    killer.join()
    engine.process.wait()
    log = SqliteFeedbackLog(state_dir / DATABASE)
    kept = [record.user_id for record in await log.read(AppName("app"))]
    log.close()
    assert acknowledged
    assert kept in (acknowledged, [*acknowledged, sent])
