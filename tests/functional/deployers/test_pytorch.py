"""PyTorch modules are deployed with their tensors beside the function, and answer as they did when trained."""

from typing import Any

import numpy as np
import pytest

from clipper_sls import ClipperConnection

SLO_MICROS = 20_000_000

pytestmark = pytest.mark.usefixtures("torch_is_installed")


@pytest.fixture(scope="module")
def torch(torch_is_installed: None) -> Any:
    import torch

    torch.set_num_threads(1)
    return torch


@pytest.fixture(scope="module")
def trained(torch: Any, digits: Any) -> Any:
    """A small network with a buffer, a frozen layer and a class of the user's own, trained for real."""

    class Scaled(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("scale", torch.tensor(1 / 16))
            self.register_buffer("unsaved", torch.tensor([0.0]), persistent=False)
            self.hidden = torch.nn.Linear(64, 32)
            self.out = torch.nn.Linear(32, 10)
            self.same = self.out

        def forward(self, images: Any) -> Any:
            return self.same(torch.relu(self.hidden(images * self.scale))) + self.unsaved

    torch.manual_seed(0)
    images, labels = (torch.tensor(values) for values in (digits[0][:1200].astype("float32"), digits[1][:1200]))
    model = Scaled()
    model.hidden.bias.requires_grad_(False)
    optimizer = torch.optim.Adam([weight for weight in model.parameters() if weight.requires_grad], lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
    return model.eval()


def predict(model: Any, inputs: Any) -> Any:
    import torch

    with torch.no_grad():
        return model(torch.from_numpy(inputs.astype("float32"))).argmax(dim=1)


def test_a_module_answers_as_where_it_was_trained(
    deployed: Any, connection: ClipperConnection, digits: Any, trained: Any
) -> None:
    from clipper_sls.deployers.pytorch import create_endpoint

    create_endpoint(connection, "module", "doubles", predict, trained, slo_micros=SLO_MICROS)

    manifest = deployed.manifest(connection, "module")
    assert manifest.entry == "weights:pytorch-tensors"
    assert set(manifest.files) == {"clipper.lock", "func.pkl", "weights/tensors.safetensors"}
    assert {"torch", "safetensors"} <= {text.partition("==")[0] for text in manifest.requirements}
    rows = digits[0][1200:1300]
    answers = deployed.answers("module", rows.tolist())
    assert answers == predict(trained, rows).tolist()
    assert np.mean(answers == digits[1][1200:1300]) > 0.8


@pytest.mark.slow
def test_the_tensors_are_not_in_the_pickle_and_come_back_as_they_were(
    deployed: Any, connection: ClipperConnection, trained: Any
) -> None:
    from safetensors import safe_open

    from clipper_sls.deployers.pytorch import create_endpoint

    def described(model: Any, inputs: Any) -> Any:
        state = {name: [str(tensor.dtype), tensor.requires_grad] for name, tensor in model.named_parameters()}
        return [{**state, "tied": model.same is model.out, "known": type(model).__name__}] * len(inputs)

    create_endpoint(connection, "described", "doubles", described, trained, slo_micros=SLO_MICROS)

    assert deployed.answers("described", [[0.0]]) == described(trained, [0])
    with safe_open(deployed.bundle(connection, "described") / "weights/tensors.safetensors", "pt") as file:
        assert set(file.keys()) == {
            "buffer:scale",
            "buffer:unsaved",
            "constant:hidden.bias",
            *(f"parameter:{name}" for name in ("hidden.weight", "out.bias", "out.weight")),
        }


@pytest.mark.slow
def test_tensors_that_overlap_come_back_equal(deployed: Any, connection: ClipperConnection, torch: Any) -> None:
    from clipper_sls.deployers.pytorch import create_endpoint

    model = torch.nn.Linear(2, 2).eval()
    whole = torch.arange(4.0)
    model.register_buffer("start", whole[:2])
    model.register_buffer("end", whole[2:])
    model.register_buffer("turned", torch.arange(6.0).reshape(2, 3).t())

    def buffers(model: Any, inputs: Any) -> Any:
        return [[buffer.tolist() for buffer in model.buffers()]] * len(inputs)

    create_endpoint(connection, "overlap", "doubles", buffers, model, slo_micros=SLO_MICROS)
    assert deployed.answers("overlap", [[0.0]]) == buffers(model, [0])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_torchscript_travels_as_torchscript(
    deployed: Any, connection: ClipperConnection, digits: Any, trained: Any, torch: Any
) -> None:
    from clipper_sls.deployers.pytorch import create_endpoint

    script = torch.jit.trace(trained, torch.zeros(2, 64))
    create_endpoint(connection, "script", "doubles", predict, script, slo_micros=SLO_MICROS)

    assert set(deployed.manifest(connection, "script").files) == {"clipper.lock", "func.pkl", "weights/model.pt"}
    rows = digits[0][1200:1250]
    assert deployed.answers("script", rows.tolist()) == predict(trained, rows).tolist()


@pytest.mark.slow
def test_an_exported_program_needs_no_class(
    deployed: Any, connection: ClipperConnection, digits: Any, trained: Any, torch: Any
) -> None:
    from clipper_sls.deployers.pytorch import create_endpoint

    batch = torch.export.Dim("batch")
    program = torch.export.export(trained, (torch.zeros(2, 64),), dynamic_shapes=({0: batch},))
    create_endpoint(connection, "program", "doubles", predict, program, slo_micros=SLO_MICROS)

    assert set(deployed.manifest(connection, "program").files) == {"clipper.lock", "func.pkl", "weights/model.pt2"}
    rows = digits[0][1200:1250]
    assert deployed.answers("program", rows.tolist()) == predict(trained, rows).tolist()


@pytest.mark.slow
def test_a_module_becomes_onnx_by_clippers_name_and_needs_no_pytorch(
    deployed: Any,
    connection: ClipperConnection,
    digits: Any,
    trained: Any,
    torch: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from clipper_sls.deployers.onnx import create_pytorch_endpoint

    def run(session: Any, inputs: Any) -> Any:
        (scores,) = session.run(None, {"input_0": inputs.astype("float32")})
        return scores.argmax(axis=1)

    create_pytorch_endpoint(
        connection,
        "exported",
        "doubles",
        torch.zeros(1, 64),
        run,
        trained,
        slo_micros=SLO_MICROS,
        onnx_backend="caffe2",
    )

    assert "there is no Caffe2 any more" in caplog.text
    manifest = deployed.manifest(connection, "exported")
    assert [text.partition("==")[0] for text in manifest.requirements] == ["onnxruntime"]
    rows = digits[0][1200:1250]
    assert deployed.answers("exported", rows.tolist()) == predict(trained, rows).tolist()


def test_what_cannot_be_served_is_refused(connection: ClipperConnection, torch: Any) -> None:
    from clipper_sls.deployers.onnx import create_pytorch_endpoint
    from clipper_sls.deployers.pytorch import deploy_pytorch_model
    from clipper_sls.errors import UnpicklableError

    with pytest.raises(UnpicklableError, match=r"'dict' is no torch\.nn\.Module"):
        deploy_pytorch_model(connection, "refused", 1, "doubles", predict, {})
    with pytest.raises(UnpicklableError, match="onnx_backend='tensorrt' is not supported"):
        create_pytorch_endpoint(connection, "r", "doubles", None, predict, torch.nn.ReLU(), onnx_backend="tensorrt")
    with pytest.raises(UnpicklableError, match="Error serializing PyTorch model to ONNX"):
        create_pytorch_endpoint(connection, "r", "doubles", torch.zeros(3), predict, torch.nn.Linear(2, 1))
    assert connection.get_model_info("r", 1) is None


@pytest.mark.slow
def test_a_module_in_training_mode_is_worth_a_warning(
    connection: ClipperConnection, torch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from clipper_sls.deployers.pytorch import deploy_pytorch_model

    deploy_pytorch_model(connection, "training", 1, "doubles", predict, torch.nn.Linear(2, 1))
    assert "The module is in training mode" in caplog.text
