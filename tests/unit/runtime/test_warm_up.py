"""What a replica does for the first time it does before it asks for work; what fails then is a start that failed."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clipper_sls.domain.inputs import InputType, pack_json
from clipper_sls.packaging.bundling import add_warm_up, bundle_closure
from clipper_sls.runtime.warm_up import exercise

StartReplica = Callable[..., Any]
INPUTS = [pack_json(value) for value in (1, 2)]


def bundle(function: Callable[[Any], Any], folder: Path) -> Path:
    bundle_closure(function, name="m", version="1", input_type="json", destination=folder)
    return folder


def recording() -> Callable[[Any], Any]:
    """A model that answers with all the calls it ever got."""
    calls: list[Any] = []

    def record(inputs: list[Any]) -> list[Any]:
        calls.append(inputs)
        return [list(calls) for _ in inputs]

    return record


def test_without_warm_up_inputs_no_model_is_asked_anything(start_replica: StartReplica, tmp_path: Path) -> None:
    replica = start_replica(bundle(recording(), tmp_path))
    assert replica.ask(InputType.JSON, [b"7"])["outputs"] == [[[7]]]


def test_warm_up_inputs_are_one_call_before_the_replica_asks_for_work(
    start_replica: StartReplica, tmp_path: Path
) -> None:
    add_warm_up(bundle(recording(), tmp_path), INPUTS)
    replica = start_replica(tmp_path)
    assert replica.ask(InputType.JSON, [b"7"])["outputs"] == [[[1, 2], [7]]]


def fail(inputs: Any) -> Any:
    raise ValueError(f"no table for {inputs}")


def give_up(inputs: Any) -> Any:
    raise SystemExit(3)


def need_a_module(inputs: Any) -> Any:
    import not_installed_here  # noqa: F401

    return inputs


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (fail, "failed on its warm-up inputs: ValueError: no table for [1, 2]"),
        (give_up, "failed on its warm-up inputs: SystemExit: 3"),
        (need_a_module, "Deploy it again with pkgs_to_install=['not_installed_here']"),
        (lambda inputs: [1], "Expected model to return 2 outputs, found 1 outputs"),
        (lambda inputs: [object() for _ in inputs], "which JSON cannot hold"),
    ],
)
def test_a_warm_up_that_fails_is_a_start_that_failed(
    start_replica: StartReplica, tmp_path: Path, function: Callable[[Any], Any], sentence: str
) -> None:
    def by_value(inputs: Any) -> Any:
        return function(inputs)

    add_warm_up(bundle(by_value, tmp_path), INPUTS)
    replica = start_replica(tmp_path)
    message = replica.init_error()
    assert message.startswith("Model m:1 failed on its warm-up inputs")
    assert sentence in message
    assert "Traceback (most recent call last)" in replica.log()
    if function in (fail, give_up):
        assert "in by_value" in replica.log()


def test_warm_up_inputs_that_were_changed_are_not_run(start_replica: StartReplica, tmp_path: Path) -> None:
    manifest = add_warm_up(bundle(recording(), tmp_path), INPUTS)
    assert manifest.warm_up_file is not None
    path = tmp_path / manifest.warm_up_file
    path.write_bytes(path.read_bytes().replace(b"MTI=", b"MTM="))
    assert "is not what its manifest says" in start_replica(tmp_path).init_error()


def test_exercising_our_own_part_finds_nothing_to_complain_about(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        exercise()
    assert caplog.messages == []
