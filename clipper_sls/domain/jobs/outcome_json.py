"""What became of a job, as JSON text for whatever store keeps it. Outputs are put in as the JSON that they are."""

import msgspec
from msgspec import Struct

from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.jobs.job import Done, Expired, Failed, Job, Outcome
from clipper_sls.domain.query import DefaultReason, OutputJson, Prediction, Unanswered
from clipper_sls.errors import StoreUnavailableError


class _Row(Struct, array_like=True):
    """As an array, because there may be ten thousand."""

    query_id: int
    output: msgspec.Raw
    reason: DefaultReason | None = None
    detail: str = ""


class _Done(Struct, tag="done"):
    rows: list[_Row]


def _named(kind: type[AppName], name: str) -> AppName:
    return kind.sought(name)


_decode_outcome = msgspec.json.Decoder(_Done | Expired | Failed).decode
_decode_job = msgspec.json.Decoder(Job, dec_hook=_named).decode
_encode = msgspec.json.Encoder(enc_hook=str).encode  # names are strings of their own kinds


def outcome_to_json(outcome: Outcome) -> bytes:
    if not isinstance(outcome, Done):
        return _encode(outcome)
    return _encode(_Done([_row(prediction) for prediction in outcome.predictions]))


def outcome_from_json(text: bytes) -> Outcome:
    """The inverse of `outcome_to_json`. Raises StoreUnavailableError when `text` is no such thing."""
    try:
        found = _decode_outcome(text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreUnavailableError(f"The result of a job cannot be read: {error}") from error
    return Done([_prediction(row) for row in found.rows]) if isinstance(found, _Done) else found


def job_to_json(job: Job) -> bytes:
    return _encode(job)


def job_from_json(text: bytes) -> Job:
    """The inverse of `job_to_json`. Raises StoreUnavailableError when `text` is no such thing."""
    try:
        return _decode_job(text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreUnavailableError(f"A job cannot be read: {error}") from error


def _row(prediction: Prediction) -> _Row:
    unanswered = prediction.unanswered
    output = msgspec.Raw(prediction.output)
    if unanswered is None:
        return _Row(prediction.query_id, output)
    return _Row(prediction.query_id, output, unanswered.reason, unanswered.detail)


def _prediction(row: _Row) -> Prediction:
    unanswered = None if row.reason is None else Unanswered(row.reason, row.detail)
    return Prediction(row.query_id, OutputJson(bytes(row.output)), unanswered)
