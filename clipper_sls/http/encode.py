"""From predictions to the bytes of an answer. Outputs are JSON already and are put in as they are."""

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from clipper_sls.domain.query import OutputJson, Prediction, Unanswered, explanation


class _PredictionBody(msgspec.Struct, omit_defaults=True):
    query_id: int
    output: msgspec.Raw
    default: bool
    default_explanation: str | None = None
    default_reason: str | None = None
    default_detail: str | None = None


class _LoneBatchBody(_PredictionBody, omit_defaults=True):
    batch_predictions: list[_PredictionBody] = []


class _BatchBody(msgspec.Struct):
    batch_predictions: list[_PredictionBody]


class _ErrorBody(msgspec.Struct):
    error: str
    cause: str
    code: str


_encode = msgspec.json.Encoder().encode


def encode_single(prediction: Prediction) -> bytes:
    return _encode(_body(prediction))


def encode_refusal(prediction: Prediction) -> bytes:
    """As `encode_single`, of what is said again and again with another number."""
    before, after = _around_number(prediction.output, prediction.unanswered)
    return b"%b%d%b" % (before, prediction.query_id, after)


@lru_cache(maxsize=1024)
def _around_number(output: OutputJson, unanswered: Unanswered | None) -> tuple[bytes, bytes]:
    before, _, after = encode_single(Prediction(0, output, unanswered)).partition(b"0")
    return before, after


def encode_batch(predictions: Sequence[Prediction]) -> bytes:
    """`{"batch_predictions": [...]}`.

    Clipper answers a batch of one with the bare prediction, which surprises whoever does not know; here such an answer
    has both, the prediction's own keys and `batch_predictions`.
    """
    bodies = [_body(prediction) for prediction in predictions]
    if len(bodies) != 1:
        return _encode(_BatchBody(bodies))
    (only,) = bodies
    return _encode(_LoneBatchBody(**msgspec.structs.asdict(only), batch_predictions=bodies))


def encode_error(error: str, cause: str, code: str) -> bytes:
    return _encode(_ErrorBody(error, cause, code))


def _body(prediction: Prediction) -> _PredictionBody:
    unanswered = prediction.unanswered
    if unanswered is None:
        return _PredictionBody(prediction.query_id, _nested(prediction.output), default=False)
    return _PredictionBody(
        prediction.query_id,
        _nested(prediction.output),
        default=True,
        default_explanation=explanation(unanswered),
        default_reason=unanswered.reason.value,
        default_detail=unanswered.detail or None,
    )


def _nested(output: OutputJson) -> msgspec.Raw:
    """Clipper's rule: an output that is a string holding JSON is nested as that JSON."""
    if not output.startswith(b'"'):
        return msgspec.Raw(output)
    text = msgspec.json.decode(output, type=str).encode()
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return msgspec.Raw(output)
    return msgspec.Raw(text)
