"""What a queue carries: a job's message as text, and what the queue says of each delivery."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from clipper_sls.domain.envelope import pack_event, unpack_event
from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.jobs.job import JobId, is_job_id
from clipper_sls.domain.query import PackedRow
from clipper_sls.errors import MalformedRequestError

SCHEMA = 1
MOST_RECEIVED = 10
"""Messages that a queue delivers, or takes, at one time."""


class NewMessage(Struct, frozen=True):
    """To be enqueued. Of several groups each gets its share of attention, however much waits in the others."""

    group: str
    body: str  # text without control characters


class Received(Struct, frozen=True):
    """One delivery of a message."""

    message_id: str  # the same at each delivery
    receipt: str  # of this delivery
    body: str
    receive_count: int  # 1 at the first delivery


class DeadLetter(Struct, frozen=True):
    """A message that nobody will try again, unless it is redriven. `reason` is for people."""

    message_id: str
    body: str
    reason: str
    died_at: float  # seconds since 1970, UTC


class JobMessage(Struct, frozen=True):
    """A job on its way. `rows` is None where they are kept in the job store, being too large for a message."""

    job_id: JobId
    application: AppName
    input_type: InputType
    version: str | None  # pins a version of the linked model
    expires_at: float  # seconds since 1970, UTC
    rows: Sequence[PackedRow] | None


def gave_up(receive_count: int) -> str:
    """The reason of a letter that was delivered as often as the queue allows, and never acknowledged."""
    return f"it was delivered {receive_count} times, and whoever had it never came to an end"


_NO_ROWS = b"null"


class _Body(Struct):
    schema: int
    job: str
    application: str
    input_type: InputType
    expires_at: float
    version: str | None = None
    request: msgspec.Raw = msgspec.Raw(_NO_ROWS)


_decode = msgspec.json.Decoder(_Body).decode


def pack_rows(input_type: InputType, rows: Sequence[PackedRow]) -> bytes:
    """Rows as the job store keeps them, and as a message has them in it."""
    return pack_event(input_type, rows)


def unpack_rows(content: bytes) -> list[PackedRow]:
    """The inverse of `pack_rows`. Raises MalformedRequestError."""
    try:
        return unpack_event(msgspec.json.decode(content, type=dict))[1]
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MalformedRequestError(f"The rows of a job cannot be read: {error}") from error


def write_message(message: JobMessage) -> str:
    """ASCII as a rule, for only versions with plain names are registered, and may be pinned."""
    request = _NO_ROWS if message.rows is None else pack_rows(message.input_type, message.rows)
    body = _Body(
        SCHEMA,
        message.job_id,
        str(message.application),
        message.input_type,
        message.expires_at,
        message.version,
        msgspec.Raw(request),
    )
    return msgspec.json.encode(body).decode()


def read_message(text: str) -> JobMessage:
    """The inverse of `write_message`. Raises MalformedRequestError for a text that is no message of a job."""
    try:
        body = _decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise MalformedRequestError(f"Not the message of a job: {error}") from error
    if body.schema != SCHEMA:
        raise MalformedRequestError(f"The message of a job has schema {body.schema}, and not {SCHEMA}")
    if not is_job_id(body.job):
        raise MalformedRequestError("The message of a job names no job")
    return JobMessage(
        JobId(body.job),
        AppName.sought(body.application),
        body.input_type,
        body.version,
        body.expires_at,
        None if bytes(body.request) == _NO_ROWS else unpack_rows(bytes(body.request)),
    )
