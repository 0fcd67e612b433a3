from pathlib import Path

import numpy as np
import pytest

from bench.workloads import CALL_S, WORKLOADS, Workload


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS)
def test_the_answers_are_what_the_model_says(workload: Workload, tmp_path: Path) -> None:
    """Also for another first value, which is how queries differ."""
    examples = workload.examples()
    model = workload.load(tmp_path)
    for first in (0.0, 0.987654321):
        rows = np.asarray([[first, *example.row[1:]] for example in examples])
        expected = [example.answer + (first if example.adds_first else 0) for example in examples]
        assert model(rows) == pytest.approx(expected, abs=1e-12)


def test_the_accelerator_is_one_however_many_use_it(tmp_path: Path) -> None:
    """Two that load it wait at the same lock, which lies in the folder."""
    workload = WORKLOADS["accelerator"]
    for _ in range(2):
        workload.load(tmp_path)([[1.0]])
    assert [path.name for path in tmp_path.iterdir()] == ["accelerator.lock"]
    assert CALL_S > 0
