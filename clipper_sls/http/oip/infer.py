"""Asking a model version by its name, over the protocol."""

from starlette.requests import Request
from starlette.responses import Response

from clipper_sls.domain.query import Deadline
from clipper_sls.domain.records import ModelVersion
from clipper_sls.errors import MalformedRequestError
from clipper_sls.http.body import read_body
from clipper_sls.http.oip.messages import HEADER_LENGTH, decode_infer, encode_infer
from clipper_sls.http.oip.outputs import output_tensor, outputs_of
from clipper_sls.http.oip.rows import packed_rows
from clipper_sls.http.predict import EndsAt
from clipper_sls.service.services import PredictionServices


class InferEndpoint:
    """A request is answered from bytes to bytes. `slo_s` is its latency objective; `ends_at` as in `http.predict`."""

    def __init__(
        self,
        services: PredictionServices,
        *,
        slo_s: float,
        max_body_bytes: int,
        max_batch_rows: int,
        ends_at: EndsAt | None = None,
    ) -> None:
        self._services = services
        self._slo_s = slo_s
        self._max_body_bytes = max_body_bytes
        self._max_batch_rows = max_batch_rows
        self._ends_at = ends_at

    async def infer(self, request: Request) -> Response:
        """The deadline is fixed when the request arrives, as for applications."""
        deadline = Deadline(self._services.clock.now() + self._slo_s)
        if self._ends_at is not None:
            deadline = min(deadline, self._ends_at())
        version = await self.named(request)
        _check_encoding(request)
        content = await read_body(request.scope, request.receive, self._max_body_bytes)
        asked = decode_infer(content, request.headers.get(HEADER_LENGTH))
        rows = packed_rows(asked.tensor, version.input_type, is_base64=asked.is_base64, max_rows=self._max_batch_rows)
        results = await self._services.predictions.predict_rows(version, rows, deadline)
        body, headers = encode_infer(version.id, asked, output_tensor(outputs_of(version.id, results)))
        return Response(body, headers=headers)

    async def named(self, request: Request) -> ModelVersion:
        """The version that the URL names. Raises NotServedError."""
        return await self._services.predictions.model_version(
            request.path_params["model"], request.path_params.get("version")
        )


def _check_encoding(request: Request) -> None:
    """Some clients can compress; a small body that grows in memory is not worth what it saves on the way."""
    encoding = request.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise MalformedRequestError(f"The body has Content-Encoding {encoding}; send it uncompressed")
