"""The two models: a small decision tree at first, a support vector machine later. Plain scikit-learn.

Nothing in here knows of clipper-sls; `predictor` is all that is added to a training script.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

Rows = list[list[float]]
Digits = list[int]


@dataclass(frozen=True, slots=True)
class Data:
    """1,797 handwritten digits of 8x8 pixels, a third of them held out."""

    train_rows: Rows
    train_digits: Digits
    test_rows: Rows
    test_digits: Digits


def load() -> Data:
    rows, digits = load_digits(return_X_y=True)
    train_rows, test_rows, train_digits, test_digits = train_test_split(
        rows, digits, test_size=1 / 3, random_state=7, stratify=digits
    )
    return Data(train_rows.tolist(), train_digits.tolist(), test_rows.tolist(), test_digits.tolist())


def train_tree(data: Data) -> Any:
    return DecisionTreeClassifier(max_depth=6, random_state=7).fit(data.train_rows, data.train_digits)


def train_svm(data: Data) -> Any:
    return SVC(gamma=0.001, random_state=7).fit(data.train_rows, data.train_digits)


def predictor(model: Any, name: str) -> Callable[[Any], list[dict[str, Any]]]:
    """The function that is deployed: a list of inputs in, a list of as many outputs out."""

    def predict(rows: Any) -> list[dict[str, Any]]:
        return [{"digit": int(digit), "by": name} for digit in model.predict(np.asarray(rows))]

    return predict


def accuracy(answers: list[int | None], digits: Digits) -> float:
    return sum(answer == digit for answer, digit in zip(answers, digits, strict=True)) / len(digits)


def marked(row: list[float], mark: int) -> list[float]:
    """`row` with a trace of ink in a corner that is blank in every digit, by which neither model is impressed.

    Equal inputs are answered from the prediction cache; differently marked ones must be asked of a replica.
    """
    return [mark * 1e-9, *row[1:]]
