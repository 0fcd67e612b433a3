"""The three models that every server is asked for, and rows whose answers are known beforehand.

Only the standard library is imported at the top: the servers that are compared with have environments of their own.
"""

import fcntl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

Row = list[float]
Model = Callable[[Any], list[float]]
"""Takes rows, gives one number for each."""

TREES = 50
SURE = 0.9
"""Of these rows so many trees are of one mind that another release of scikit-learn gives the same digit."""
ROWS = 64
MAX_BATCH = 64
BATCH_WAIT_S = 0.002
"""What servers are told that have to be told: the largest batch, and how long the first row of one waits at most."""
CALL_S = 0.002
ROW_S = 0.00005


@dataclass(frozen=True, slots=True)
class Example:
    """A row whose first value the load generator replaces by one below 1, and what the model then answers.

    `adds_first`: the answer is `answer` plus that value; otherwise it is `answer`, whatever the value.
    """

    row: Row
    answer: float
    adds_first: bool


@dataclass(frozen=True, slots=True)
class Workload:
    """`load` gives the model; what it must share with other processes lies in the folder that is its argument."""

    name: str
    title: str
    load: Callable[[Path], Model]
    examples: Callable[[], Sequence[Example]]


def no_op(_folder: Path) -> Model:
    """The sum of a row, which costs nothing: what is measured is the server."""
    return lambda rows: [float(sum(row)) for row in rows]


def forest(_folder: Path) -> Model:
    """A random forest of 50 trees on scikit-learn's digits, in one thread: some ms for a row, little more for many."""
    trained = _trained_forest()
    return lambda rows: [float(digit) for digit in trained.predict(rows)]


def accelerator(folder: Path) -> Model:
    """A SIMULATED accelerator: it sleeps 2 ms and 0.05 ms for each row, and then sums.

    There is one of it, however many threads and processes a server uses: they wait for each other at a lock on a file.
    So at most 488 rows a second one by one, and 12 300 in batches of 64.
    """
    lock = str(folder / "accelerator.lock")

    def predict(rows: Any) -> list[float]:
        with Path(lock).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # given back when the file is closed
            time.sleep(CALL_S + ROW_S * len(rows))
        return [float(sum(row)) for row in rows]

    return predict


@cache
def ten_numbers() -> list[Example]:
    """The first is left to the load generator; sums of different examples are far apart."""
    rows = [[0.0] + [round(0.37 * place + 0.011 * number, 3) for place in range(1, 10)] for number in range(ROWS)]
    return [Example(row, sum(row), adds_first=True) for row in rows]


@cache
def digits() -> list[Example]:
    """Digits of the data set. Their first pixel, a corner, is 0 in all of them, so no tree looks at it."""
    from sklearn.datasets import load_digits

    images, _ = load_digits(return_X_y=True)
    odds = _trained_forest().predict_proba(images)
    sure = [index for index, of_row in enumerate(odds) if of_row.max() >= SURE][:ROWS]
    return [Example(images[index].tolist(), float(odds[index].argmax()), adds_first=False) for index in sure]


@cache
def _trained_forest() -> Any:
    """The same in every process; takes 0.2 s."""
    from sklearn.datasets import load_digits
    from sklearn.ensemble import RandomForestClassifier

    images, labels = load_digits(return_X_y=True)
    return RandomForestClassifier(n_estimators=TREES, random_state=0, n_jobs=1).fit(images, labels)


NO_OP = Workload("no-op", "no-op: the sum of 10 floats", no_op, ten_numbers)
FOREST = Workload("forest", "random forest of 50 trees on 64 floats", forest, digits)
ACCELERATOR = Workload("accelerator", "simulated accelerator: 2 ms + 0.05 ms a row, slept", accelerator, ten_numbers)
WORKLOADS = {workload.name: workload for workload in (NO_OP, FOREST, ACCELERATOR)}
