"""The messages of the protocol: JSON, and behind it, where a header says how long the JSON is, binary tensors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from clipper_sls.domain.identifiers import ModelId, shortened
from clipper_sls.errors import InvalidInputError, MalformedRequestError
from clipper_sls.http.oip.outputs import OutputTensor
from clipper_sls.http.oip.tensors import Tensor, binary_of, tensor_from_binary, tensor_from_json

HEADER_LENGTH = "Inference-Header-Content-Length"
"""Bytes of JSON at the start of a body; binary data follows. KServe's extension, which Triton's clients use unasked."""

MAX_LENGTH_DIGITS = 20

INPUT_NAME = "input"
OUTPUT_NAME = "output"


T = TypeVar("T", bound=msgspec.Struct)


class _InputTensor(msgspec.Struct):
    name: str
    shape: list[int]
    datatype: str
    parameters: dict[str, Any] = {}
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _RequestedOutput(msgspec.Struct):
    name: str
    parameters: dict[str, Any] = {}


class _InferRequest(msgspec.Struct):
    inputs: list[_InputTensor]
    id: str | None = None
    parameters: dict[str, Any] = {}
    outputs: list[_RequestedOutput] = []


class _IndexRequest(msgspec.Struct):
    ready: bool = False


class _OutputTensor(msgspec.Struct, omit_defaults=True):
    name: str
    datatype: str
    shape: tuple[int, ...]
    parameters: dict[str, Any] = {}
    data: Any = msgspec.UNSET


class _InferResponse(msgspec.Struct, omit_defaults=True):
    model_name: str
    model_version: str
    outputs: list[_OutputTensor]
    id: str | None = None


@dataclass(frozen=True, slots=True)
class InferRequest:
    """One input tensor, and how its sender wants the output."""

    tensor: Tensor
    is_base64: bool  # elements of a BYTES tensor are base64
    id: str | None
    wants_binary: bool


def decode_infer(body: bytes, header_length: str | None) -> InferRequest:
    """Raises MalformedRequestError or InvalidInputError."""
    text, binary = _split(body, header_length)
    request = _decoded(text, _InferRequest)
    if len(request.inputs) != 1:
        raise InvalidInputError(f"The model takes one input tensor; the request has {len(request.inputs)}")
    (given,) = request.inputs
    return InferRequest(
        tensor=_tensor(given, binary),
        is_base64=given.parameters.get("content_type") == "base64",
        id=request.id,
        wants_binary=_wants_binary(request),
    )


def decode_index(body: bytes) -> bool:
    """Whether the sender of a repository index request wants ready models only; an empty body asks for all."""
    return bool(body) and _decoded(body, _IndexRequest).ready


def encode_infer(model: ModelId, request: InferRequest, tensor: OutputTensor) -> tuple[bytes, Mapping[str, str]]:
    """The body of a response, and the headers that its form asks for."""
    output, binary = _OutputTensor(OUTPUT_NAME, tensor.datatype, tensor.shape), b""
    if request.wants_binary:
        binary = binary_of(tensor.datatype, tensor.values)
        output.parameters = {"binary_data_size": len(binary)}
    else:
        output.data = tensor.values
    text = msgspec.json.encode(_InferResponse(str(model.name), str(model.version), [output], request.id))
    if not request.wants_binary:
        return text, {"Content-Type": "application/json"}
    return text + binary, {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(len(text))}


def encode_error(message: str) -> bytes:
    return msgspec.json.encode({"error": message})


def _split(body: bytes, header_length: str | None) -> tuple[bytes, bytes]:
    if header_length is None:
        return body, b""
    is_number = header_length.isascii() and header_length.isdigit() and len(header_length) <= MAX_LENGTH_DIGITS
    if not is_number or int(header_length) > len(body):
        raise MalformedRequestError(
            f"{HEADER_LENGTH} is {shortened(header_length)!r}; it must be a number, and at most {len(body)}, the bytes "
            f"of the body"
        )
    return body[: int(header_length)], body[int(header_length) :]


def _decoded(content: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        problem = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise MalformedRequestError(f"The request cannot be read: {problem}") from error


def _tensor(given: _InputTensor, binary: bytes) -> Tensor:
    size = given.parameters.get("binary_data_size")
    if size is None:
        if given.data is msgspec.UNSET or binary:
            raise InvalidInputError("The input tensor needs data, or binary_data_size and as many bytes of binary data")
        return tensor_from_json(given.datatype, given.shape, bytes(given.data))
    if given.data is not msgspec.UNSET:
        raise InvalidInputError("The input tensor has both data and binary_data_size; send one of them")
    if size != len(binary):
        raise InvalidInputError(f"binary_data_size is {size!r}, and {len(binary)} bytes of binary data were sent")
    return tensor_from_binary(given.datatype, given.shape, binary)


def _wants_binary(request: _InferRequest) -> bool:
    """An output's own parameter counts, and where it has none the request's."""
    wanted = request.parameters.get("binary_data_output") is True
    for output in request.outputs:
        if output.name != OUTPUT_NAME:
            raise InvalidInputError(
                f"The model has no output {shortened(output.name)!r}; its only one is {OUTPUT_NAME!r}"
            )
        if output.parameters.get("classification"):
            raise InvalidInputError("The classification extension is not supported")
        wanted = output.parameters.get("binary_data", wanted) is True
    return wanted
