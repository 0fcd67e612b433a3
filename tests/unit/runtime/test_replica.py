"""A replica from its start to its end: the real entry point and the real awslambdaric, in a process of its own."""

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clipper_sls.domain.bundle import MANIFEST_NAME, NOOP_ENTRY, SUM_ENTRY
from clipper_sls.domain.envelope import pack_event
from clipper_sls.domain.inputs import InputType, pack_json, pack_numbers, pack_text
from clipper_sls.packaging.bundling import bundle_builtin, bundle_closure, bundle_directory

StartReplica = Callable[..., Any]
PACKAGE_ROOT = Path(__file__).parents[3]
DEADLINE_S = 30


def bundle(function: Callable[[Any], Any], folder: Path, input_type: str = "json") -> Path:
    bundle_closure(function, name="m", version="1", input_type=input_type, destination=folder)
    return folder


def test_a_closure_answers_with_numbers(start_replica: StartReplica, tmp_path: Path) -> None:
    weights = [1.0, 10.0]

    def weigh(rows: Any) -> Any:
        return rows @ weights

    replica = start_replica(bundle(weigh, tmp_path, "doubles"))
    rows = [pack_numbers(InputType.DOUBLES, row) for row in ([1.0, 2.0], [3.0, 4.0])]
    assert replica.ask(InputType.DOUBLES, rows) == {"outputs": [21.0, 43.0], "errors": []}


def test_a_bad_row_fails_alone_even_by_sys_exit(start_replica: StartReplica, tmp_path: Path) -> None:
    def picky(values: list[int]) -> list[int]:
        if 2 in values:
            raise ValueError("two")
        if 3 in values:
            sys.exit("three")
        return values

    replica = start_replica(bundle(picky, tmp_path))
    assert replica.ask(InputType.JSON, [pack_json(value) for value in (1, 2, 3, 4)]) == {
        "outputs": [1, None, None, 4],
        "errors": [[1, "ValueError: two"], [2, "SystemExit: three"]],
    }
    assert "in picky" in replica.log()


def test_text_of_every_kind_crosses_unharmed(start_replica: StartReplica, tmp_path: Path) -> None:
    texts = ["", "naïve", "日本", '"quoted"\n', "\0", "\U0001f600"]
    replica = start_replica(bundle(lambda values: values, tmp_path, "strings"))
    assert replica.ask(InputType.STRINGS, [pack_text(text) for text in texts])["outputs"] == texts


def test_a_function_that_prints_megabytes_answers(start_replica: StartReplica, tmp_path: Path) -> None:
    def chatty(values: list[int]) -> list[int]:
        print("x" * 4_000_000)
        return values

    replica = start_replica(bundle(chatty, tmp_path))
    assert replica.ask(InputType.JSON, [b"1"])["outputs"] == [1]
    assert len(replica.log()) > 4_000_000


def test_the_builtin_models_answer_as_clippers_containers_did(start_replica: StartReplica, tmp_path: Path) -> None:
    for entry in (NOOP_ENTRY, SUM_ENTRY):
        bundle_builtin(entry, name="m", version="1", input_type="doubles", destination=tmp_path / entry[-4:])
    rows = [pack_numbers(InputType.DOUBLES, row) for row in ([1.0, 2.0], [3.0])]
    assert start_replica(tmp_path / "noop").ask(InputType.DOUBLES, rows)["outputs"] == ["1.0", "1.0"]
    assert start_replica(tmp_path / ":sum").ask(InputType.DOUBLES, rows)["outputs"] == ["3.0", "3.0"]


def saved_model(pickled: bytes, folder: Path) -> Path:
    """A bundle whose function was pickled by somebody else."""
    (folder / "saved").mkdir()
    (folder / "saved" / "func.pkl").write_bytes(pickled)
    bundle_directory(folder / "saved", name="m", version="1", input_type="json", destination=folder / "bundle")
    return folder / "bundle"


def trap(trace: Path) -> bytes:
    """A pickle that makes a file when it is loaded."""
    return b"cbuiltins\nopen\n(V%b\nVw\ntR." % bytes(trace)


def test_a_function_that_was_changed_is_not_unpickled(start_replica: StartReplica, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    folder = bundle(lambda values: values, tmp_path / "bundle")
    (folder / "func.pkl").write_bytes(trap(trace))
    assert "func.pkl is not what its manifest says" in start_replica(folder).init_error()
    assert not trace.exists()


def test_a_bundle_that_was_replaced_is_not_unpickled(start_replica: StartReplica, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    folder = saved_model(trap(trace), tmp_path)
    assert "it was changed after it was deployed" in start_replica(folder, digest="0" * 64).init_error()
    assert not trace.exists()


def test_the_trap_of_these_tests_snaps_when_the_digests_match(start_replica: StartReplica, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    assert "holds a TextIOWrapper, no function" in start_replica(saved_model(trap(trace), tmp_path)).init_error()
    assert trace.exists()


def test_a_bundle_without_one_of_its_files_is_refused(start_replica: StartReplica, tmp_path: Path) -> None:
    bundle(lambda values: values, tmp_path / "bundle")
    (tmp_path / "bundle" / "func.pkl").unlink()
    assert "func.pkl cannot be read" in start_replica(tmp_path / "bundle").init_error()


def test_a_module_that_was_added_is_refused(start_replica: StartReplica, tmp_path: Path) -> None:
    bundle(lambda values: values, tmp_path / "bundle")
    (tmp_path / "bundle" / "modules").mkdir()
    (tmp_path / "bundle" / "modules" / "numpy.py").write_text("raise SystemExit")
    assert "modules/numpy.py, which its manifest does not list" in start_replica(tmp_path / "bundle").init_error()


def test_a_closure_of_another_python_is_refused_with_what_to_do(start_replica: StartReplica, tmp_path: Path) -> None:
    bundle(lambda values: values, tmp_path)
    fields = json.loads((tmp_path / MANIFEST_NAME).read_text()) | {"python": "3.8"}
    (tmp_path / MANIFEST_NAME).write_text(json.dumps(fields))
    message = start_replica(tmp_path).init_error()
    assert "was deployed from Python 3.8" in message
    assert "Deploy it again from Python 3." in message


def test_a_module_that_is_missing_is_named_with_what_to_do(start_replica: StartReplica, tmp_path: Path) -> None:
    message = start_replica(saved_model(b"cnot_installed_here.sub\nf\n.", tmp_path)).init_error()
    assert "needs the module 'not_installed_here'" in message
    assert "pkgs_to_install=['not_installed_here']" in message


def test_an_exit_while_the_function_is_loaded_is_an_init_error(start_replica: StartReplica, tmp_path: Path) -> None:
    message = start_replica(saved_model(b"csys\nexit\n(tR.", tmp_path)).init_error()
    assert "could not be loaded: SystemExit" in message


def test_scikit_learns_warning_of_another_version_reaches_the_log(start_replica: StartReplica, tmp_path: Path) -> None:
    sklearn = pytest.importorskip("sklearn")
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])
    bundle(lambda rows: model.predict(rows), tmp_path / "now", "doubles")
    pickled = (tmp_path / "now" / "func.pkl").read_bytes()
    version = sklearn.__version__.encode()
    folder = saved_model(pickled.replace(version, b"0" * len(version)), tmp_path)
    replica = start_replica(folder, PYTHONWARNINGS="ignore")
    row = pack_numbers(InputType.DOUBLES, [2.0])
    assert replica.ask(InputType.DOUBLES, [row])["outputs"] == [pytest.approx(4.0)]
    assert "InconsistentVersionWarning" in replica.log()


def test_a_segmentation_fault_leaves_its_stack_in_the_log(start_replica: StartReplica, tmp_path: Path) -> None:
    def crash(values: list[int]) -> list[int]:
        ctypes.string_at(0)
        return values

    replica = start_replica(bundle(crash, tmp_path))
    replica.api.events.put(pack_event(InputType.JSON, [b"1"]))
    assert replica.process.wait(DEADLINE_S) == -signal.SIGSEGV
    assert "Segmentation fault" in replica.log()
    assert "in crash" in replica.log()


def test_a_replica_ends_when_its_lifeline_does(start_replica: StartReplica, tmp_path: Path) -> None:
    replica = start_replica(bundle(lambda values: values, tmp_path))
    assert replica.api.waiting.wait(DEADLINE_S)
    replica.cut_lifeline()
    assert replica.process.wait(DEADLINE_S) == 70


def test_a_replica_ends_in_the_middle_of_a_batch_when_its_lifeline_does(
    start_replica: StartReplica, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    os.mkfifo(started)

    def endless(values: list[int]) -> list[int]:
        started.write_text("yes")
        while True:
            pass

    replica = start_replica(bundle(endless, tmp_path / "bundle"))
    replica.api.events.put(pack_event(InputType.JSON, [b"1"]))
    assert started.read_text() == "yes"
    replica.cut_lifeline()
    assert replica.process.wait(DEADLINE_S) == 70


def test_ctrl_c_is_left_to_the_engine(start_replica: StartReplica, tmp_path: Path) -> None:
    replica = start_replica(bundle(lambda values: values, tmp_path))
    assert replica.api.waiting.wait(DEADLINE_S)
    replica.process.send_signal(signal.SIGINT)
    assert replica.ask(InputType.JSON, [b"1"])["outputs"] == [1]


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_a_replica_dies_with_the_process_that_started_it_whatever_holds_its_lifeline(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()  # held open here, so only the signal can end the replica
    out_read, out_write = os.pipe()
    waits_for_ever = "from clipper_sls.runtime.lifeline import follow_parent; import signal, sys; "
    waits_for_ever += f"follow_parent('{read_end}'); print('up', flush=True); signal.pause()"
    starts_it = f"import subprocess; subprocess.run([{sys.executable!r}, '-c', {waits_for_ever!r}], close_fds=False)"
    parent = subprocess.Popen(
        [sys.executable, "-c", starts_it],
        stdout=out_write,
        pass_fds=(read_end,),
        env={"PYTHONPATH": str(PACKAGE_ROOT)},
    )
    os.close(out_write)
    assert os.read(out_read, 10) == b"up\n"
    parent.kill()
    parent.wait(DEADLINE_S)
    assert os.read(out_read, 10) == b""  # both ends of the replica's standard output are gone
    for descriptor in (read_end, write_end, out_read):
        os.close(descriptor)


def test_without_a_runtime_api_the_entry_point_says_so(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "clipper_sls.runtime"],
        env={"PYTHONPATH": str(PACKAGE_ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    assert ran.returncode == 2
    assert "AWS_LAMBDA_RUNTIME_API is not set" in ran.stderr
