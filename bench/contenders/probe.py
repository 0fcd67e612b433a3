"""Single queries: is a server there, and has it got rid of what the last run left it with?"""

import http.client
import itertools
import time

from bench.load.answers import Verdict, judge
from bench.load.requests import DIGITS, UNIT
from bench.workloads import Example

TIMEOUT_S = 20.0
QUICK_S = 0.05
QUICK_TIMES = 3
SETTLE_LIMIT_S = 10.0
PAUSE_S = 0.05
_numbers = itertools.count(10**DIGITS - 1, -1)  # from the other end than the load generator's, so never one of its own


def answers(port: int, path: str, body: str, example: Example) -> bool:
    """Whether the model's own, right answer came."""
    number = next(_numbers)
    numbers = ",".join([f"0.{number:0{DIGITS}d}", *(repr(value) for value in example.row[1:])])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("POST", path, body.replace("%s", numbers), {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    expected = example.answer + number * UNIT if example.adds_first else example.answer
    return judge(str(response.status).encode(), content, expected).verdict is Verdict.RIGHT


def settle(port: int, path: str, body: str, example: Example) -> None:
    """Return when the server has answered a few queries quickly one after another, or is slow anyhow."""
    limit = time.perf_counter() + SETTLE_LIMIT_S
    quick = 0
    while quick < QUICK_TIMES and time.perf_counter() < limit:
        started_at = time.perf_counter()
        is_answered = answers(port, path, body, example)
        quick = quick + 1 if is_answered and time.perf_counter() - started_at < QUICK_S else 0
        if not quick:
            time.sleep(PAUSE_S)
