"""AWS' own runner of hooks runs ours."""

import random
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from awslambdaric.lambda_runtime_hooks_runner import run_after_restore
from snapshot_restore_py import get_after_restore

from clipper_sls.runtime.snapshots import prepare_for_snapshots


@pytest.fixture
def registered() -> Iterator[None]:
    """Whatever is registered by the test is gone after it."""
    before, state = list(get_after_restore()), (random.getstate(), np.random.get_state())
    yield
    get_after_restore()[:] = before
    random.setstate(state[0])
    np.random.set_state(state[1])


@pytest.fixture
def snapshot() -> Any:
    """The generators as they are when a snapshot is taken."""
    random.seed(1)
    np.random.seed(1)
    return random.getstate(), np.random.get_state()


def _restore(snapshot: Any) -> None:
    random.setstate(snapshot[0])
    np.random.set_state(snapshot[1])
    run_after_restore()


def test_environments_of_one_snapshot_draw_different_numbers(registered: None, snapshot: Any) -> None:
    prepare_for_snapshots()
    drawn = set()
    for _ in range(3):
        _restore(snapshot)
        drawn.add((random.uniform(0, 1), float(np.random.random())))
    assert len(drawn) == 3
    assert len({one for one, _ in drawn}) == len({one for _, one in drawn}) == 3


def test_a_framework_is_seeded_where_the_model_has_imported_it_and_nowhere_else(registered: None) -> None:
    seeds: list[int] = []
    torch: Any = SimpleNamespace(manual_seed=seeds.append)
    prepare_for_snapshots({"torch": torch})
    run_after_restore()
    run_after_restore()
    assert len(set(seeds)) == 2
    assert "torch" not in sys.modules or sys.modules["torch"] is not torch
