"""Which tensors of a module lie in the weights, and which stay with the module."""

from pathlib import Path
from typing import Any

import pytest

from clipper_sls.domain.weights import TENSORS_FILE
from clipper_sls.packaging.pytorch_weights import pytorch_weights
from clipper_sls.runtime.weights import load_weights


@pytest.fixture
def torch(torch_is_installed: None) -> Any:
    import torch

    return torch


def test_parameters_and_buffers_have_names_and_all_else_has_none(torch: Any) -> None:
    model = torch.nn.BatchNorm1d(2).eval()
    model.note = torch.zeros(1)
    name_of = pytorch_weights(model).name_of
    assert name_of(model.weight) == "parameter:weight"
    assert name_of(model.running_mean) == "buffer:running_mean"
    assert [name_of(other) for other in (model, model.note, "weight", None)] == [None] * 4


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "int64", "bool"])
def test_tensors_come_back_as_they_were(torch: Any, dtype: str, tmp_path: Path) -> None:
    model = torch.nn.Module()
    model.register_buffer("values", torch.tensor([[0, 1], [2, 3]]).to(getattr(torch, dtype)).t())
    model.register_buffer("none", torch.zeros(0, 3))
    model.register_buffer("one", torch.tensor(7))
    model.weight = torch.nn.Parameter(torch.ones(2, dtype=torch.float16), requires_grad=False)
    weights = pytorch_weights(model.eval())
    weights.write(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == [TENSORS_FILE]
    loaded = load_weights(weights.kind, tmp_path)
    for name in ("values", "none", "one"):
        before, after = getattr(model, name), loaded[f"buffer:{name}"]
        assert torch.equal(before, after)
        assert before.dtype == after.dtype
    assert type(loaded["constant:weight"]) is torch.nn.Parameter
    assert not loaded["constant:weight"].requires_grad
