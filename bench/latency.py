"""One query at a time over one connection, and how long each takes."""

import http.client
import itertools
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

INPUT_LENGTH = 64
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles of one round, in milliseconds."""

    p50_ms: float
    p99_ms: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Self:
        ordered = sorted(seconds)
        return cls(ordered[len(ordered) // 2] * 1000, ordered[int(len(ordered) * 0.99)] * 1000)


class Client:
    """http.client rather than a comfortable library, so that the client adds little to what is measured."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def close(self) -> None:
        self._connection.close()

    def ask(self) -> float:
        """Ask something that was never asked before, so that no cache answers; returns seconds."""
        body = _new_body()
        started_at = time.perf_counter()
        self._connection.request("POST", "/noop/predict", body, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        content = response.read()
        seconds = time.perf_counter() - started_at
        if response.status != http.client.OK or json.loads(content)["default"]:
            raise RuntimeError(f"Not an answer: {response.status} {content!r}")
        return seconds

    def round(self, count: int) -> Latency:
        return Latency.of([self.ask() for _ in range(count)])


def _new_body() -> bytes:
    number = next(_numbers)
    values = [random.Random(number).random() for _ in range(INPUT_LENGTH - 1)]
    return json.dumps({"input": [float(number), *values]}).encode()
