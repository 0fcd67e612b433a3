"""The server in an image, from its entry point on: three protocols, health, metrics, and how it ends."""

import json
import signal
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.domain.envelope import INVOCATIONS_PATH, TIMEOUT_HEADER, pack_event
from clipper_sls.domain.inputs import InputType
from clipper_sls.testing.engine import embedded_engine
from clipper_sls.testing.ports import free_port
from clipper_sls.testing.unpacked_image import UnpackedImage

pytestmark = pytest.mark.slow

PATIENCE_S = 60.0
POLL_S = 0.02
ROWS = [[1.0, 2.0], [0.5, 0.5]]
OUTPUTS = [9.0, 3.0]


@pytest.fixture(scope="module")
def image(built: tuple[dict[str, Any], Path], tmp_path_factory: pytest.TempPathFactory) -> UnpackedImage:
    return UnpackedImage(built[1], tmp_path_factory.mktemp("image"))


class Server:
    """A running entry point; `log` is what it has printed so far."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.process = process
        self.client = httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S, trust_env=False)
        self.log = ""
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.log += line

    def until(self, holds: Callable[[], object]) -> None:
        for _ in range(round(PATIENCE_S / POLL_S)):
            if holds():
                return
            assert self._reading.is_alive(), self.log
            self._reading.join(POLL_S)
        raise AssertionError(f"it did not come about; the log:\n{self.log}")

    def answers(self, path: str) -> int:
        try:
            return self.client.get(path).status_code
        except httpx2.HTTPError:
            return 0

    def post(self, path: str, body: Any, **named: Any) -> Any:
        answer = self.client.post(path, json=body, **named)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def end(self) -> int:
        self.process.terminate()
        code = self.process.wait(PATIENCE_S)
        self._reading.join(PATIENCE_S)
        return code

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reading.join()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.client.close()


@pytest.fixture
def start(image: UnpackedImage) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def begin(**variables: str) -> Server:
        port = free_port()
        given = {"CLIPPER_SERVER_HOST": "127.0.0.1", "CLIPPER_SERVER_PORT": str(port), **variables}
        started.append(Server(image.start(**given), port))
        return started[-1]

    yield begin
    for server in started:
        server.close()


def test_three_protocols_give_the_answers_of_the_model(start: Callable[..., Server]) -> None:
    server = start()
    server.until(lambda: server.answers("/readyz") == 200)
    for path in ("/predict", "/tripled/predict"):
        batch = server.post(path, {"input_batch": ROWS})["batch_predictions"]
        assert [(one["output"], one["default"]) for one in batch] == [(output, False) for output in OUTPUTS]
    assert server.post("/predict", {"input": ROWS[0]})["output"] == OUTPUTS[0]
    tensor = {"name": "input", "shape": [2, 2], "datatype": "FP64", "data": ROWS}
    inferred = server.post("/v2/models/tripled/infer", {"inputs": [tensor]})
    assert inferred["outputs"][0]["data"] == OUTPUTS
    event = json.loads(pack_event(InputType.DOUBLES, [struct.pack("<2d", *row) for row in ROWS]))
    assert server.post(INVOCATIONS_PATH, event) == {"outputs": OUTPUTS, "errors": []}


def test_an_engine_that_is_told_its_url_answers_with_it(start: Callable[..., Server], tmp_path: Path) -> None:
    server = start()
    server.until(lambda: server.answers("/readyz") == 200)
    with embedded_engine(tmp_path / "state") as engine:
        connection = ClipperConnection(LocalContainerManager(state_dir=engine.state_dir))
        connection.connect()
        connection.register_application("app", "doubles", "none", round(PATIENCE_S * 1e6))
        connection.register_model("tripled", 1, "doubles", url=str(server.client.base_url))
        connection.link_model_to_app("app", "tripled")
        url, asked = f"{engine.query}/app/predict", {"input_batch": [*ROWS, [-1.0]]}
        answer = httpx2.post(url, json=asked, timeout=PATIENCE_S, trust_env=False).json()["batch_predictions"]
        assert [row["output"] for row in answer[:2]] == OUTPUTS
        assert (answer[2]["default"], answer[2]["default_reason"]) == (True, "model_failed")  # it killed the model
        assert "dying" in server.log


def test_what_it_may_be_asked_over_lambdas_path_is_checked(start: Callable[..., Server]) -> None:
    server = start(CLIPPER_SERVER_MAX_BATCH_ROWS="1")
    server.until(lambda: server.answers("/readyz") == 200)
    event = json.loads(pack_event(InputType.DOUBLES, [struct.pack("<d", 1.0)]))
    for body, headers, code in (
        (b"{", {}, "malformed_request"),
        (b"[]", {}, "malformed_request"),
        (b"{}", {}, "malformed_request"),
        (json.dumps({**event, "input_type": "strings"}).encode(), {}, "incompatible_input_type"),
        (json.dumps(event).encode(), {TIMEOUT_HEADER: "soon"}, "malformed_request"),
        (pack_event(InputType.DOUBLES, [b"\0" * 8] * 2), {}, "request_too_large"),
    ):
        answer = server.client.post(INVOCATIONS_PATH, content=body, headers=headers)
        assert (answer.status_code // 100, answer.json()["errorType"]) == (4, code), answer.text
    late = server.post(INVOCATIONS_PATH, event, headers={TIMEOUT_HEADER: "0"})
    assert late == {"outputs": [None], "errors": [], "unanswered": [[0, "timed_out", ""]]}


def test_it_lives_before_it_is_ready_and_tells_how_it_does(start: Callable[..., Server]) -> None:
    server = start()
    server.until(lambda: server.answers("/livez") == 200)
    server.until(lambda: server.answers("/readyz") == 200)
    server.post("/predict", {"input": ROWS[0]})
    text = server.client.get("/metrics", headers={"accept": "text/plain"}).text
    assert 'model="tripled"' in text
    assert server.answers("/v2/health/ready") == 200
    assert server.answers("/openapi.json") == 200


def test_requests_that_come_together_are_answered_in_batches(start: Callable[..., Server]) -> None:
    server = start(CLIPPER_SERVER_BATCH_WAIT_MS="200", CLIPPER_SERVER_BATCH_SIZE="64")
    server.until(lambda: server.answers("/readyz") == 200)
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda n: server.post("/predict", {"input": [float(n)]})["output"], range(16)))
    assert answers == [3.0 * n for n in range(16)]
    metrics = server.client.get("/metrics", headers={"accept": "text/plain"}).text
    counts = [line for line in metrics.splitlines() if line.startswith("clipper_batch_rows_count")]
    assert counts, metrics
    assert float(counts[0].split()[-1]) < 8, counts


def test_what_is_being_asked_at_the_end_is_answered(start: Callable[..., Server]) -> None:
    server = start()
    server.until(lambda: server.answers("/readyz") == 200)
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(server.post, "/predict", {"input": [-2.0, 1.0]})
        server.until(lambda: "thinking" in server.log)
        assert server.end() == 0
    assert asked.result()["output"] == -3.0
    assert "Draining" in server.log


def test_what_cannot_be_answered_by_the_end_is_told_so(start: Callable[..., Server]) -> None:
    server = start(CLIPPER_SERVER_DRAIN_TIMEOUT_S="1", CLIPPER_SERVER_SLO_MS="60000")
    server.until(lambda: server.answers("/readyz") == 200)
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(server.client.post, "/predict", json={"input": [-3.0, 1.0]})
        server.until(lambda: "thinking" in server.log)
        assert server.end() == 0
    assert (asked.result().status_code, asked.result().json()["code"]) == (503, "no_replica")
    assert "Traceback" not in server.log


def test_a_model_that_dies_is_started_again(start: Callable[..., Server]) -> None:
    server = start()
    server.until(lambda: server.answers("/readyz") == 200)
    died = server.post("/predict", {"input": [-1.0]})
    assert (died["default"], died["output"]) == (True, "")
    assert "dying" in server.log  # what the model prints is in the log of the container
    server.until(lambda: server.post("/predict", {"input": ROWS[0]})["output"] == OUTPUTS[0])
    server.until(lambda: server.answers("/readyz") == 200)


def test_a_bundle_that_was_changed_is_not_served(built: tuple[dict[str, Any], Path], tmp_path: Path) -> None:
    image = UnpackedImage(built[1], tmp_path)
    with (tmp_path / "opt/clipper/bundle/func.pkl").open("ab") as file:
        file.write(b"\0")
    with image.start(CLIPPER_SERVER_HOST="127.0.0.1", CLIPPER_SERVER_PORT="0") as process:
        said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "it was changed after it was deployed" in said
    assert "Traceback" not in said.partition("clipper-sls:")[2]


def test_a_setting_that_does_not_exist_is_told(image: UnpackedImage) -> None:
    with image.start(CLIPPER_SERVER_HOSTT="127.0.0.1") as process:
        said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "There is no setting CLIPPER_SERVER_HOSTT; known are CLIPPER_SERVER_BATCHING" in said


def test_ctrl_c_ends_it_too(start: Callable[..., Server]) -> None:
    server = start()
    server.until(lambda: server.answers("/readyz") == 200)
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(PATIENCE_S) == 0
