"""The predict URL for many rows: several requests at one time, over connections that are kept for a whole run."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx2
import msgspec

from clipper_sls.domain.bulk.rows import RowAnswer
from clipper_sls.domain.query import OutputJson
from clipper_sls.errors import ClipperError, InvalidError, PredictionFailedError, RequestFailedError, UnconnectedError
from clipper_sls.sdk.http_client import CONNECT_TIMEOUT_S, HttpClient, certificates, error_of

ANSWER_MARGIN_S = 30.0
"""Over the application's objective, by which it answers."""

SERVER_ERRORS = 500
ASYNC = {"Prefer": "respond-async"}
JOB_WAIT_S = 20


class _Prediction(msgspec.Struct):
    output: msgspec.Raw
    default: bool
    default_reason: str = ""
    default_detail: str = ""


class _Predictions(msgspec.Struct):
    """Of a prediction, or of a job, which has a status, too."""

    batch_predictions: list[_Prediction] = []
    status: str = "done"
    cause: str = ""


_decode = msgspec.json.Decoder(_Predictions).decode


@dataclass(frozen=True, slots=True)
class Asked:
    """An application and its objective; `version` pins one of the linked model's, `as_jobs` lets each batch be one."""

    application: str
    version: str | None
    slo_s: float
    as_jobs: bool = False


@dataclass(frozen=True, slots=True)
class PredictUrl:
    """A `BulkPredictor`."""

    client: httpx2.AsyncClient
    asked: Asked

    async def predict(self, inputs: Sequence[bytes]) -> Sequence[RowAnswer]:
        """Also raises PredictionFailedError for a job that the server has given up."""
        path = f"/{quote(self.asked.application, safe='')}/predict"
        headers = {"Content-Type": "application/json", **(ASYNC if self.asked.as_jobs else {})}
        response = await self._answered("POST", path, content=self._body(inputs), headers=headers)
        if response.status_code == httpx2.codes.ACCEPTED:
            found = (await self._done(response.headers.get("Location", ""))).batch_predictions
        else:
            found = _decoded(response).batch_predictions
        if len(found) != len(inputs):
            raise RequestFailedError(f"{response.url} gave {len(found)} answers to {len(inputs)} inputs")
        return [_answer(each) for each in found]

    def _body(self, inputs: Sequence[bytes]) -> bytes:
        version = self.asked.version
        pinned = b"" if version is None else b',"version":' + msgspec.json.encode(version)
        return b'{"input_batch":[' + b",".join(inputs) + b"]" + pinned + b"}"

    async def _done(self, job_path: str) -> _Predictions:
        """Of a job, once it is; the server answers as soon as that is so, and within `JOB_WAIT_S` in any case."""
        while True:
            job = _decoded(await self._answered("GET", job_path, params={"wait": str(JOB_WAIT_S)}))
            if job.status == "done":
                return job
            if job.status != "queued":
                raise PredictionFailedError(
                    f"The job {job_path} of {self.asked.application} has {job.status}: {job.cause}. "
                    f"Run the same command again to go on"
                )

    async def _answered(self, method: str, path: str, **content: Any) -> httpx2.Response:
        try:
            response = await self.client.request(method, path, **content)
        except httpx2.ConnectError as error:
            raise UnconnectedError(f"Nothing answers at {self.client.base_url} ({error})") from error
        except httpx2.HTTPError as error:
            raise RequestFailedError(
                f"The request to {self.client.base_url} broke off: {type(error).__name__}: {error}"
            ) from error
        if response.status_code not in (httpx2.codes.OK, httpx2.codes.ACCEPTED):
            raise _refusal(response)
        return response


@asynccontextmanager
async def predict_url(http: HttpClient, asked: Asked, *, connections: int) -> AsyncIterator[PredictUrl]:
    """Closed with the block."""
    async with httpx2.AsyncClient(
        base_url=http.base_url,
        headers={"Authorization": f"Bearer {http.token}"} if http.token else {},
        timeout=httpx2.Timeout(asked.slo_s + ANSWER_MARGIN_S, connect=CONNECT_TIMEOUT_S),
        limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
        auth=http.auth,
        trust_env=http.is_far,
        verify=certificates(http.base_url),
    ) as client:
        yield PredictUrl(client, asked)


def _decoded(response: httpx2.Response) -> _Predictions:
    try:
        return _decode(response.content)
    except msgspec.MsgspecError as error:
        raise RequestFailedError(f"{response.url} answered what is no prediction: {error}") from error


def _answer(prediction: _Prediction) -> RowAnswer:
    output = OutputJson(bytes(prediction.output))
    if not prediction.default:
        return RowAnswer(output)
    return RowAnswer(output, prediction.default_reason or "default", prediction.default_detail)


def _refusal(response: httpx2.Response) -> ClipperError:
    """What a server has as a fault of its own, or a gateway before it, may be otherwise a moment later."""
    error = error_of(response)
    if response.status_code >= SERVER_ERRORS or response.status_code == httpx2.codes.TOO_MANY_REQUESTS:
        return RequestFailedError(error.msg)
    if type(error) is RequestFailedError:
        return InvalidError(error.msg)  # asking again would not help
    return error
