"""Versions behind aliases: a rollback, and weights that AWS draws by."""

import math
import time
from collections import Counter
from collections.abc import Iterator

from examples.aws_smoke.report import Finding
from examples.aws_smoke.site import APPLICATION, DEFAULT_OUTPUT, MODEL, OBJECTIVE_S, Site

ROW = [0.0, 1.0, 2.0]
QUERIES = 200
PERCENT = 30
SIGMAS = 5
ROLLBACK_LIMIT_S = 1.0
TRIES = 100

WEIGHTS = "alias weights are obeyed"
ROLLBACK = "a rollback answers within a second"


def check_first_deployment(site: Site) -> Iterator[Finding]:
    connection = site.connection
    connection.register_application(APPLICATION, "doubles", DEFAULT_OUTPUT, int(OBJECTIVE_S * 1e6))
    started_at = time.monotonic()
    site.deploy("1")
    took_s = time.monotonic() - started_at
    connection.link_model_to_app(APPLICATION, MODEL)
    answer = _eventually(site, "version 1 3")
    yield Finding.of("a model is deployed and answers", f"{answer!r}, {took_s:.1f} s to deploy", held=bool(answer))


def check_upgrade_and_rollback(site: Site) -> Iterator[Finding]:
    site.deploy("2")
    answer = _eventually(site, "version 2 3")
    yield Finding.of("the next version answers", repr(answer), held=bool(answer))
    connection = site.connection
    started_at = time.monotonic()
    connection.rollback(MODEL)
    answer = _eventually(site, "version 1 3")
    took_s = time.monotonic() - started_at
    yield Finding.of(ROLLBACK, f"{took_s:.2f} s, {answer!r}", held=bool(answer) and took_s < ROLLBACK_LIMIT_S)
    pinned = site.predict(ROW, version="2")
    yield Finding.of("a request may pin a version", repr(pinned), held=pinned == "version 2 3")


def check_weights(site: Site) -> Iterator[Finding]:
    connection = site.connection
    connection.set_traffic(MODEL, 2, PERCENT)
    by = Counter(site.predict([float(number), 1.0]) for number in range(QUERIES))
    connection.set_traffic(MODEL, 2, 0)
    share = by["version 2 2"] / QUERIES
    bound = SIGMAS * math.sqrt(PERCENT / 100 * (1 - PERCENT / 100) / QUERIES)
    seen = f"{share:.1%} of {QUERIES} for a weight of {PERCENT} %"
    yield Finding.of(WEIGHTS, seen, held=abs(share - PERCENT / 100) < bound)


def _eventually(site: Site, wanted: str) -> str:
    """The first answer that is `wanted`; empty when none of many is."""
    for _ in range(TRIES):
        if site.predict(ROW) == wanted:
            return wanted
    return ""
