"""The Open Inference Protocol over the raw wire."""

import base64
import json
import struct
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.query import DefaultReason, Unanswered
from clipper_sls.domain.records import Scaling
from clipper_sls.http.oip import oip_router

MAX_BODY_BYTES = 100_000
HEADER = "Inference-Header-Content-Length"


@pytest.fixture
def oip(stage: Any) -> httpx2.AsyncClient:
    app = FastAPI()
    router = oip_router(
        stage.services,
        is_ready=lambda: stage.readiness,
        slo_s=3.0,
        max_body_bytes=MAX_BODY_BYTES,
        max_batch_rows=100,
    )
    app.include_router(router)
    return stage.open(app, base_url="http://127.0.0.1:1337")


def tensor(datatype: str, shape: list[int], data: Any, **more: Any) -> dict[str, Any]:
    return {"name": "x", "datatype": datatype, "shape": shape, "data": data, **more}


async def infer(client: httpx2.AsyncClient, *tensors: dict[str, Any], **more: Any) -> httpx2.Response:
    return await client.post("/v2/models/m/infer", json={"inputs": tensors, **more})


def numbers(code: str) -> Callable[[bytes], bytes]:
    """A model that answers with the numbers that reached it."""
    return lambda row: json.dumps(list(struct.unpack(f"<{len(row) // struct.calcsize(code)}{code}", row))).encode()


def total(row: bytes) -> bytes:
    return json.dumps(sum(struct.unpack(f"<{len(row) // 8}d", row))).encode()


async def test_server_metadata_names_the_extensions(oip: httpx2.AsyncClient) -> None:
    answer = (await oip.get("/v2")).json()
    assert answer["name"] == "clipper-sls"
    assert "binary_tensor_data" in answer["extensions"]


async def test_health_follows_readiness(stage: Any, oip: httpx2.AsyncClient) -> None:
    assert (await oip.get("/v2/health/live")).json() == {"live": True}
    assert (await oip.get("/v2/health/ready")).json() == {"live": True, "ready": True}
    stage.readiness["ready"] = False
    unready = await oip.get("/v2/health/ready")
    assert (unready.status_code, unready.json()) == (503, {"live": True, "ready": False})


async def test_model_metadata_lists_versions_and_tensors(stage: Any, oip: httpx2.AsyncClient) -> None:
    await stage.register(version="1")
    await stage.register(version="2")
    assert (await oip.get("/v2/models/m")).json() == {
        "name": "m",
        "versions": ["1", "2"],
        "platform": "clipper-sls",
        "inputs": [{"name": "input", "datatype": "FP64", "shape": [-1, -1]}],
        "outputs": [{"name": "output", "datatype": "FP64", "shape": [-1, -1]}],
    }
    assert (await oip.get("/v2/models/m/versions/1")).json()["versions"] == ["1"]


async def test_a_model_is_ready_while_a_replica_is(stage: Any, oip: httpx2.AsyncClient) -> None:
    model = await stage.register()
    ready = await oip.get("/v2/models/m/versions/1/ready")
    assert (ready.status_code, ready.json()) == (200, {"name": "m", "ready": True})
    stage.host.hosted[model] = Scaling(0, 0)
    assert (await oip.get("/v2/models/m/ready")).status_code == 503


async def test_repository_index_tells_versions_that_answer_from_others(stage: Any, oip: httpx2.AsyncClient) -> None:
    await stage.register(version="1")
    stage.host.hosted[await stage.register(version="2")] = Scaling(0, 0)
    everything = (await oip.post("/v2/repository/index")).json()
    assert [(entry["version"], entry["state"]) for entry in everything] == [("1", "READY"), ("2", "UNAVAILABLE")]
    ready = (await oip.post("/v2/repository/index", json={"ready": True})).json()
    assert [entry["version"] for entry in ready] == ["1"]


@pytest.mark.parametrize("path", ["/v2/models/other", "/v2/models/m/versions/9", "/v2/models/m/versions/9/ready"])
async def test_what_is_not_registered_is_not_found(stage: Any, oip: httpx2.AsyncClient, path: str) -> None:
    await stage.register()
    answer = await oip.get(path)
    assert answer.status_code == 404
    assert "registered" in answer.json()["error"]
    assert answer.headers["X-Clipper-Error-Code"] == "not_served"


async def test_one_answer_per_row_of_a_matrix(stage: Any, oip: httpx2.AsyncClient) -> None:
    await stage.register(total)
    answer = await infer(oip, tensor("FP64", [2, 3], [1, 2, 3.5, 4, 5, 6]), id="42")
    assert answer.json() == {
        "model_name": "m",
        "model_version": "1",
        "id": "42",
        "outputs": [{"name": "output", "datatype": "FP64", "shape": [2], "data": [6.5, 15.0]}],
    }


async def test_the_deadline_runs_from_arrival(stage: Any, oip: httpx2.AsyncClient) -> None:
    await stage.register(total)
    await infer(oip, tensor("FP64", [1], [1.0]))
    assert stage.invoker.asked[0][2] == stage.clock.now() + 3.0


async def test_a_version_can_be_named(stage: Any, oip: httpx2.AsyncClient) -> None:
    await stage.register(lambda row: b"1", version="1")
    await stage.register(lambda row: b"2", version="2")
    body = {"inputs": [tensor("FP64", [1], [0.0])]}
    pinned = (await oip.post("/v2/models/m/versions/1/infer", json=body)).json()
    current = (await oip.post("/v2/models/m/infer", json=body)).json()
    assert (pinned["model_version"], pinned["outputs"][0]["data"]) == ("1", [1])
    assert (current["model_version"], current["outputs"][0]["data"]) == ("2", [2])


@pytest.mark.parametrize(
    ("shape", "data", "rows"),
    [
        ([2, 2], [[1, 2], [3, 4]], [[1, 2], [3, 4]]),
        ([2, 2], [1, 2, 3, 4], [[1, 2], [3, 4]]),
        ([2], [1, 2], [[1, 2]]),
        ([0, 2], [], []),
        ([2, 0], [], [[], []]),
    ],
)
async def test_shapes_become_rows(
    stage: Any, oip: httpx2.AsyncClient, shape: list[int], data: Any, rows: list[list[int]]
) -> None:
    await stage.register(numbers("d"))
    assert (await infer(oip, tensor("INT32", shape, data))).status_code == 200
    asked = [row for _, rows_asked, _ in stage.invoker.asked for row in rows_asked]
    assert asked == [struct.pack(f"<{len(row)}d", *row) for row in rows]


@pytest.mark.parametrize(
    ("input_type", "code", "datatype", "data"),
    [
        (InputType.DOUBLES, "d", "FP32", [0.5, -2.0]),
        (InputType.DOUBLES, "d", "FP16", [0.5, -2.0]),
        (InputType.DOUBLES, "d", "INT64", [2**53, -(2**53)]),
        (InputType.DOUBLES, "d", "BOOL", [True, False]),
        (InputType.FLOATS, "f", "FP32", [0.5, -2.0]),
        (InputType.FLOATS, "f", "UINT8", [0, 255]),
        (InputType.INTEGERS, "q", "INT8", [-128, 127]),
        (InputType.INTEGERS, "q", "UINT64", [0, 2**63 - 1]),
        (InputType.INTEGERS, "q", "INT64", [-(2**63), 2**63 - 1]),
        (InputType.INTEGERS, "q", "FP64", [3.0, -4.0]),
    ],
)
async def test_numbers_are_converted_where_nothing_is_lost(
    stage: Any, oip: httpx2.AsyncClient, input_type: InputType, code: str, datatype: str, data: list[Any]
) -> None:
    await stage.register(numbers(code), input_type=input_type)
    (output,) = (await infer(oip, tensor(datatype, [1, 2], data))).json()["outputs"]
    assert output["data"] == data
    assert output["shape"] == [1, 2]


@pytest.mark.parametrize(
    ("input_type", "datatype", "data"),
    [
        (InputType.INTEGERS, "FP64", [0.5]),
        (InputType.INTEGERS, "UINT64", [2**63]),
        (InputType.DOUBLES, "INT64", [2**53 + 1]),
        (InputType.FLOATS, "FP64", [1e39]),
        (InputType.DOUBLES, "BYTES", ["1.0"]),
        (InputType.STRINGS, "FP64", [1.0]),
        (InputType.JSON, "BYTES", ["{"]),
        (InputType.JSON, "BYTES", ["[" * 5000]),
    ],
)
async def test_what_the_model_cannot_hold_is_refused(
    stage: Any, oip: httpx2.AsyncClient, input_type: InputType, datatype: str, data: list[Any]
) -> None:
    await stage.register(lambda row: b"1", input_type=input_type)
    answer = await infer(oip, tensor(datatype, [1], data))
    assert answer.status_code == 400
    assert "The model takes" in answer.json()["error"]
    assert stage.invoker.asked == []


@pytest.mark.parametrize(
    ("datatype", "shape", "data", "problem"),
    [
        ("FP64", [2, 2], [1.0, 2.0, 3.0], "3 elements; shape [2, 2] has 4"),
        ("FP64", [2, 2], [[1.0, 2.0], [3.0]], "Row 1"),
        ("FP64", [2, 2], [[1.0, 2.0], 3.0], "Row 1"),
        ("FP64", [2], [[1.0, 2.0]], "nested"),
        ("FP64", [3, 1], [[1.0], [2.0]], "nested"),
        ("FP64", [2, 1], [[[1.0]], [[2.0]]], "not of datatype FP64"),
        ("FP64", [], [1.0], "Shape []"),
        ("FP64", [1, 1, 1], [1.0], "Shape [1, 1, 1]"),
        ("FP64", [-1, -1], [1.0], "Shape [-1, -1]"),
        ("FP64", [1], 1.0, "not an array"),
        ("FP64", [1], ["1"], "not of datatype FP64"),
        ("FP64", [1], [True], "not of datatype FP64"),
        ("FP64", [1], [None], "not of datatype FP64"),
        ("FP32", [1], [1e39], "out of the range of FP32"),
        ("INT8", [1], [128], "out of the range of INT8"),
        ("UINT8", [1], [-1], "out of the range of UINT8"),
        ("INT64", [1], [1.5], "not of datatype INT64"),
        ("INT64", [1], [2**64], "out of the range of INT64"),
        ("BOOL", [1], [1], "not of datatype BOOL"),
        ("BYTES", [1], [1], "not of datatype BYTES"),
        ("FP8", [1], [1.0], "Datatype 'FP8'"),
        ("FP64", [101, 1], [1.0] * 101, "at most 100"),
        ("FP64", [10**30, 0], [], "at most 100"),
    ],
)
async def test_a_wrong_tensor_is_refused_with_its_fault(
    stage: Any, oip: httpx2.AsyncClient, datatype: str, shape: list[int], data: Any, problem: str
) -> None:
    await stage.register(total)
    answer = await infer(oip, tensor(datatype, shape, data))
    assert answer.status_code == (413 if "at most" in problem else 400)
    assert problem in answer.json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"[" * 100_000,
        b"\xff",
        b'{"inputs": []}',
        b'{"inputs": [{"name": "x", "shape": [1], "datatype": "FP64"}]}',
        b'{"inputs": [{"name": "x", "shape": [1], "datatype": "FP64", "data": [NaN]}]}',
        b'{"inputs": [{"name": "x", "shape": [1], "datatype": "FP64", "data": [Infinity]}]}',
        b'{"inputs": [{"name": "x", "shape": [1], "datatype": "FP64", "data": [1e999]}]}',
        b'{"inputs": [{"name": "x", "shape": [true], "datatype": "FP64", "data": [1]}]}',
        b'{"inputs": [{"name": "x", "shape": [1], "datatype": "BYTES", "data": ["\\ud800"]}]}',
    ],
)
async def test_what_cannot_be_read_is_refused(stage: Any, oip: httpx2.AsyncClient, body: bytes) -> None:
    await stage.register(total)
    answer = await oip.post("/v2/models/m/infer", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]


async def test_a_compressed_body_is_refused(stage: Any, oip: httpx2.AsyncClient) -> None:
    await stage.register(total)
    answer = await oip.post("/v2/models/m/infer", content=b"...", headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, "uncompressed" in answer.json()["error"]) == (400, True)


async def test_two_input_tensors_are_refused(stage: Any, oip: httpx2.AsyncClient) -> None:
    await stage.register(total)
    answer = await infer(oip, tensor("FP64", [1], [1.0]), tensor("FP64", [1], [1.0]))
    assert (answer.status_code, "one input tensor" in answer.json()["error"]) == (400, True)


async def test_a_body_over_the_limit_is_refused(stage: Any, oip: httpx2.AsyncClient) -> None:
    await stage.register(total)
    answer = await oip.post("/v2/models/m/infer", content=b" " * (MAX_BODY_BYTES + 1))
    assert answer.status_code == 413


@pytest.mark.parametrize("shape", [[2], [2, 1]])
async def test_strings_are_elements_of_bytes(stage: Any, oip: httpx2.AsyncClient, shape: list[int]) -> None:
    await stage.register(lambda row: json.dumps(row.decode().upper()).encode(), input_type=InputType.STRINGS)
    (output,) = (await infer(oip, tensor("BYTES", shape, ["grün", "blau"]))).json()["outputs"]
    assert output == {"name": "output", "datatype": "BYTES", "shape": [2], "data": ["GRÜN", "BLAU"]}


async def test_bytes_come_as_text_or_as_base64(stage: Any, oip: httpx2.AsyncClient) -> None:
    await stage.register(lambda row: b"1", input_type=InputType.BYTES)
    content = bytes(range(256))
    encoded = base64.b64encode(content).decode()
    await infer(oip, tensor("BYTES", [1], ["text"]))
    await infer(oip, tensor("BYTES", [1], [encoded], parameters={"content_type": "base64"}))
    assert [rows for _, rows, _ in stage.invoker.asked] == [(b"text",), (content,)]
    bad = await infer(oip, tensor("BYTES", [1], ["?"], parameters={"content_type": "base64"}))
    assert bad.status_code == 400


async def test_two_strings_in_a_row_are_refused(stage: Any, oip: httpx2.AsyncClient) -> None:
    await stage.register(lambda row: b"1", input_type=InputType.STRINGS)
    answer = await infer(oip, tensor("BYTES", [1, 2], ["a", "b"]))
    assert (answer.status_code, "one element per row" in answer.json()["error"]) == (400, True)


async def test_a_json_model_takes_json_text_and_numbers(stage: Any, oip: httpx2.AsyncClient) -> None:
    await stage.register(lambda row: row, input_type=InputType.JSON)
    (text,) = (await infer(oip, tensor("BYTES", [1], ['{"b": 1, "a": [2]}']))).json()["outputs"]
    assert text["data"] == ['{"a":[2],"b":1}']
    (matrix,) = (await infer(oip, tensor("INT64", [2, 2], [1, 2, 3, 4]))).json()["outputs"]
    assert (matrix["datatype"], matrix["shape"], matrix["data"]) == ("INT64", [2, 2], [1, 2, 3, 4])


@pytest.mark.parametrize(
    ("outputs", "datatype", "shape", "data"),
    [
        ([b"1", b"2"], "INT64", [2], [1, 2]),
        ([b"1", b"2.5"], "FP64", [2], [1.0, 2.5]),
        ([b"[1,2]", b"[3,4]"], "INT64", [2, 2], [1, 2, 3, 4]),
        ([b"[1,2]", b"[3,4.5]"], "FP64", [2, 2], [1.0, 2.0, 3.0, 4.5]),
        ([b"[]", b"[]"], "FP64", [2, 0], []),
        ([b"true", b"false"], "BOOL", [2], [True, False]),
        ([b"true", b"1"], "BYTES", [2], ["true", "1"]),
        ([b'"a"', b"null"], "BYTES", [2], ["a", "null"]),
        ([b'"1"', b'"2"'], "BYTES", [2], ["1", "2"]),
        ([b"[1]", b"[1,2]"], "BYTES", [2], ["[1]", "[1,2]"]),
        ([b'["a"]', b'["b"]'], "BYTES", [2], ['["a"]', '["b"]']),
        ([b'{"k":1}', b"2"], "BYTES", [2], ['{"k":1}', "2"]),
        ([b"9223372036854775808", b"1"], "BYTES", [2], ["9223372036854775808", "1"]),
        ([b'"\\ud800"', b"1"], "BYTES", [2], ['"\\ud800"', "1"]),
    ],
)
async def test_outputs_get_the_datatype_that_holds_them(
    stage: Any, oip: httpx2.AsyncClient, outputs: list[bytes], datatype: str, shape: list[int], data: list[Any]
) -> None:
    await stage.register(lambda row: outputs[int(struct.unpack("<d", row)[0])])
    (output,) = (await infer(oip, tensor("FP64", [2, 1], [0, 1]))).json()["outputs"]
    assert (output["datatype"], output["shape"], output["data"]) == (datatype, shape, data)


async def test_no_rows_are_no_answers(stage: Any, oip: httpx2.AsyncClient) -> None:
    await stage.register(total)
    (output,) = (await infer(oip, tensor("FP64", [0, 4], []))).json()["outputs"]
    assert (output["shape"], output["data"], stage.invoker.asked) == ([0], [], [])


async def test_the_one_output_may_be_asked_for_by_name(stage: Any, oip: httpx2.AsyncClient) -> None:
    await stage.register(total)
    given = tensor("FP64", [1], [1.0])
    assert (await infer(oip, given, outputs=[{"name": "output"}])).status_code == 200
    unknown = await infer(oip, given, outputs=[{"name": "probabilities"}])
    assert (unknown.status_code, "'probabilities'" in unknown.json()["error"]) == (400, True)
    assert (
        await infer(oip, given, outputs=[{"name": "output", "parameters": {"classification": 2}}])
    ).status_code == 400


@pytest.mark.parametrize(
    ("reason", "status", "code"),
    [
        (DefaultReason.TIMED_OUT, 504, "prediction_timeout"),
        (DefaultReason.MODEL_FAILED, 500, "prediction_failed"),
        (DefaultReason.NO_REPLICA, 503, "no_replica"),
        (DefaultReason.OVERLOADED, 503, "no_replica"),
    ],
)
async def test_a_row_without_an_answer_fails_the_request(
    stage: Any, oip: httpx2.AsyncClient, reason: DefaultReason, status: int, code: str
) -> None:
    model = await stage.register()
    stage.fail(model, lambda row: Unanswered(reason, "ValueError: negative price"))
    answer = await infer(oip, tensor("FP64", [2, 1], [1.0, 2.0]))
    assert (answer.status_code, answer.headers["X-Clipper-Error-Code"]) == (status, code)
    assert "m:1 did not answer row 0 of 2" in answer.json()["error"]
    assert "negative price" in answer.json()["error"]


def with_binary(message: dict[str, Any], binary: bytes) -> tuple[bytes, dict[str, str]]:
    text = json.dumps(message).encode()
    return text + binary, {HEADER: str(len(text))}


def binary_tensor(datatype: str, shape: list[int], size: int) -> dict[str, Any]:
    return {"name": "x", "datatype": datatype, "shape": shape, "parameters": {"binary_data_size": size}}


async def test_tensors_travel_as_binary_data(stage: Any, oip: httpx2.AsyncClient) -> None:
    await stage.register(total)
    content = struct.pack("<4f", 1, 2, 3, 4)
    message = {"inputs": [binary_tensor("FP32", [2, 2], 16)], "parameters": {"binary_data_output": True}}
    body, headers = with_binary(message, content)
    answer = await oip.post("/v2/models/m/infer", content=body, headers=headers)
    length = int(answer.headers[HEADER])
    assert json.loads(answer.content[:length])["outputs"] == [
        {"name": "output", "datatype": "FP64", "shape": [2], "parameters": {"binary_data_size": 16}}
    ]
    assert answer.content[length:] == struct.pack("<2d", 3, 7)
    assert answer.headers["Content-Type"] == "application/octet-stream"


async def test_strings_travel_as_binary_data_behind_their_lengths(stage: Any, oip: httpx2.AsyncClient) -> None:
    await stage.register(lambda row: json.dumps(row.decode()).encode(), input_type=InputType.STRINGS)
    content = b"\x03\x00\x00\x00abc\x00\x00\x00\x00"
    output = {"name": "output", "parameters": {"binary_data": True}}
    body, headers = with_binary({"inputs": [binary_tensor("BYTES", [2], len(content))], "outputs": [output]}, content)
    answer = await oip.post("/v2/models/m/infer", content=body, headers=headers)
    assert answer.content[int(answer.headers[HEADER]) :] == content


async def test_an_outputs_own_parameter_wins_over_the_requests(stage: Any, oip: httpx2.AsyncClient) -> None:
    await stage.register(total)
    answer = await infer(
        oip,
        tensor("FP64", [1], [1.0]),
        parameters={"binary_data_output": True},
        outputs=[{"name": "output", "parameters": {"binary_data": False}}],
    )
    assert answer.json()["outputs"][0]["data"] == [1.0]


@pytest.mark.parametrize(
    ("given", "binary", "problem"),
    [
        (binary_tensor("FP64", [1], 8), b"1234", "4 bytes of binary data were sent"),
        (binary_tensor("FP64", [2], 8), b"12345678", "which has 16 bytes"),
        (binary_tensor("FP64", [1], 8) | {"data": [1.0]}, b"12345678", "both"),
        (tensor("FP64", [1], [1.0]), b"12345678", "needs data"),
        (binary_tensor("BYTES", [1], 2), b"\x01\x00", "ends within the length"),
        (binary_tensor("BYTES", [1], 5), b"\x02\x00\x00\x00a", "ends within a string"),
        (binary_tensor("BYTES", [2], 4), b"\x00\x00\x00\x00", "1 elements; shape [2] has 2"),
        (binary_tensor("BYTES", [1], 5), b"\x01\x00\x00\x00\xff", "not UTF-8"),
    ],
)
async def test_wrong_binary_data_is_refused(
    stage: Any, oip: httpx2.AsyncClient, given: dict[str, Any], binary: bytes, problem: str
) -> None:
    is_text = given["datatype"] == "BYTES"
    await stage.register(total, input_type=InputType.STRINGS if is_text else InputType.DOUBLES)
    body, headers = with_binary({"inputs": [given]}, binary)
    answer = await oip.post("/v2/models/m/infer", content=body, headers=headers)
    assert answer.status_code == 400
    assert problem in answer.json()["error"]


@pytest.mark.parametrize("length", ["", "-1", "x", "1000000", "9" * 5000, "٣"])
async def test_a_wrong_header_length_is_refused(stage: Any, oip: httpx2.AsyncClient, length: str) -> None:
    await stage.register(total)
    answer = await oip.post("/v2/models/m/infer", content=b"{}", headers={HEADER: length.encode()})
    assert answer.status_code == 400
    assert HEADER in answer.json()["error"]
