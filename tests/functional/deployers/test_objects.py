"""A class, or an instance of one, is deployed like a function, and set up once in each replica."""

from pathlib import Path
from typing import Any

import pytest
from sklearn.tree import DecisionTreeClassifier

from clipper_sls import ClipperConnection
from clipper_sls.deployers.python import create_endpoint, deploy_python_closure
from clipper_sls.errors import ModelStartError

SLO_MICROS = 20_000_000


class Trained:
    """Holds a lock, which no pickle takes, once it was set up; and counts how often that was."""

    def __init__(self, model: Any = None) -> None:
        self.model = model
        self.set_ups = 0

    def setup(self) -> None:
        import threading

        self.lock = threading.Lock()
        self.set_ups += 1

    def predict(self, inputs: Any) -> Any:
        with self.lock:
            return [[digit, self.set_ups] for digit in self.model.predict(inputs).tolist()]


class Made:
    """Made in the replica, where it loads what it needs."""

    def __init__(self) -> None:
        self.words: dict[str, int] = {}

    def load(self) -> None:
        self.words = {"one": 1, "two": 2}

    def predict(self, inputs: Any) -> Any:
        return [self.words[word] for word in inputs]


def test_an_instance_is_set_up_once_and_asked_by_its_predict(
    deployed: Any, connection: ClipperConnection, digits: Any
) -> None:
    model = DecisionTreeClassifier(random_state=0).fit(*digits)
    create_endpoint(connection, "instance", "doubles", Trained(model), slo_micros=SLO_MICROS)

    assert deployed.manifest(connection, "instance").entry == "object:func.pkl"
    rows = digits[0][:30]
    for _ in range(2):
        assert deployed.answers("instance", rows.tolist()) == [[digit, 1] for digit in model.predict(rows).tolist()]


def test_a_class_is_made_and_loaded_in_the_replica(deployed: Any, connection: ClipperConnection) -> None:
    create_endpoint(connection, "made", "strings", Made, slo_micros=SLO_MICROS, warm_up_inputs=["one"])
    assert deployed.answers("made", ["one", "two"]) == [1, 2]


def test_a_model_with_predict_is_an_object_by_itself(deployed: Any, connection: ClipperConnection, digits: Any) -> None:
    model = DecisionTreeClassifier(random_state=0).fit(*digits)
    create_endpoint(connection, "bare", "doubles", model, slo_micros=SLO_MICROS)
    assert deployed.answers("bare", digits[0][:30].tolist()) == model.predict(digits[0][:30]).tolist()


def test_a_set_up_that_fails_is_a_deploy_that_failed(connection: ClipperConnection, tmp_path: Path) -> None:
    class Absent(Made):
        def load(self) -> None:
            raise FileNotFoundError("words.json")

    with pytest.raises(ModelStartError, match=r"Absent\.load\(\) failed: FileNotFoundError: words\.json"):
        deploy_python_closure(connection, "absent", 1, "strings", Absent)
    assert connection.get_model_info("absent", 1) is None
