"""Asking an application over HTTP: one client, or a crowd that asks until it is told to stop."""

import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from examples.demo.models import Rows, marked

TIMEOUT_S = 10.0
PAUSE_S = 0.01  # between two questions of one client
TRIES = 50
_marks = itertools.count(1_000)


@dataclass(frozen=True, slots=True)
class Answer:
    """`digit` and `by` are None for a default output. `problem` says why a request failed; None when it did not."""

    sent_at: float  # seconds of time.monotonic, as is `received_at`
    received_at: float
    digit: int | None = None
    by: str | None = None
    is_default: bool = False
    problem: str | None = None


NO_ANSWER = Answer(0.0, 0.0, problem=f"the default, {TRIES} times in a row")


class Asker:
    """One client with one connection to one application."""

    def __init__(self, query_url: str, application: str) -> None:
        self._url = f"{query_url}/{application}/predict"
        self._client = httpx2.Client(timeout=TIMEOUT_S, trust_env=False)

    def close(self) -> None:
        self._client.close()

    def ask(self, row: Sequence[float], version: str | None = None) -> Answer:
        """Never raises for what the other side does."""
        body: dict[str, Any] = {"input": row} if version is None else {"input": row, "version": version}
        sent_at = time.monotonic()
        try:
            response = self._client.post(self._url, json=body)
            if response.status_code != httpx2.codes.OK:
                return _failed(sent_at, f"HTTP {response.status_code}: {response.text[:200]}")
            return _read(sent_at, response.json())
        except (httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
            return _failed(sent_at, repr(error))

    def insist(self, row: list[float], version: str | None = None) -> Answer:
        """Ask until the answer is not the default one: on a busy machine 100 ms may pass without one."""
        answers = (self.ask(marked(row, next(_marks)), version) for _ in range(TRIES))
        return next((answer for answer in answers if not answer.is_default), NO_ANSWER)

    def ask_batch(self, rows: Rows) -> list[Answer]:
        sent_at = time.monotonic()
        response = self._client.post(self._url, json={"input_batch": rows}).raise_for_status()
        return [_read(sent_at, prediction) for prediction in response.json()["batch_predictions"]]


def _read(sent_at: float, prediction: dict[str, Any]) -> Answer:
    received_at = time.monotonic()
    if prediction["default"]:
        return Answer(sent_at, received_at, is_default=True)
    return Answer(sent_at, received_at, prediction["output"]["digit"], prediction["output"]["by"])


def _failed(sent_at: float, problem: str) -> Answer:
    return Answer(sent_at, time.monotonic(), problem=problem)


@contextmanager
def crowd(query_url: str, application: str, rows: Rows, clients: int = 3) -> Iterator[list[Answer]]:
    """Ask with several clients at once while the block runs; the list grows, and is in order of sending afterwards.

    Every question is new to the prediction cache, so every one needs a replica.
    """
    answers: list[Answer] = []
    enough = threading.Event()

    def keep_asking(first: int) -> None:
        asker = Asker(query_url, application)
        for row in itertools.islice(itertools.cycle(rows), first, None):
            answers.append(asker.ask(marked(row, next(_marks))))
            if enough.wait(PAUSE_S):
                break
        asker.close()

    threads = [threading.Thread(target=keep_asking, args=(number * 100,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        enough.set()
        for thread in threads:
            thread.join()
        answers.sort(key=lambda answer: answer.sent_at)


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of many questions."""

    asked: int
    defaults: int
    problems: list[str]

    @classmethod
    def of(cls, answers: list[Answer]) -> "Tally":
        problems = [answer.problem for answer in answers if answer.problem is not None]
        return cls(len(answers), sum(answer.is_default for answer in answers), problems)

    def __str__(self) -> str:
        first = f" ({self.problems[0]})" if self.problems else ""
        return f"{self.asked} requests, {len(self.problems)} failed{first}, {self.defaults} defaults"
