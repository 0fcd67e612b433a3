"""What an engine and its front ends tell each other. Frames hold lists of these, as MessagePack.

`call` numbers what a front end asks; the answer carries the same number.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct, field

from clipper_sls.domain.query import DefaultReason, OutputJson, PackedRow, Predicted, RowResult, Unanswered
from clipper_sls.domain.record_json import record_from_json, record_key, record_to_json
from clipper_sls.domain.records import RegistrySnapshot
from clipper_sls.ports.request_forwarder import WholeAnswer, WholeRequest

ModelKey = tuple[str, str]
"""Name and version: equal to a `ModelId`, and found where one is."""

Result = bytes | Unanswered
"""A `RowResult`, the output without its wrapping."""


class CacheSettings(Struct, frozen=True):
    """Which prediction caches a process has. `size_bytes` is of the one in its memory, `url` of the one behind it."""

    size_bytes: int
    url: str | None
    timeout_s: float
    namespace: str


class FrontendSetup(Struct, frozen=True):
    """What a front end must know before it begins."""

    number: int  # from 0 on
    count: int  # of all front ends
    cache: CacheSettings
    max_body_bytes: int
    max_batch_rows: int
    model_slo_s: float
    drain_timeout_s: float


class OfApplication(Struct, array_like=True):
    """Answers since the last report; `latencies_s` are doubles in the machine's order."""

    rows: int
    latencies_s: bytes
    reasons: dict[DefaultReason, int]


class OfModel(Struct, array_like=True):
    """Look-ups since the last report, in rows."""

    hits: int = 0
    misses: int = 0
    coalesced: int = 0


class OfCaches(Struct, array_like=True):
    """Of the caches since the last report."""

    evicted: int = 0
    failures: int = 0
    remote_hits: int = 0
    remote_misses: int = 0
    remote_dropped: int = 0


class Report(Struct, array_like=True):
    """What a front end has counted since its last report."""

    applications: dict[str, OfApplication] = {}
    models: list[tuple[ModelKey, OfModel]] = []
    caches: OfCaches = field(default_factory=OfCaches)


class _Message(Struct, array_like=True, gc=False):
    pass


class Ask(_Message, tag=0):
    """`deadline` is the engine's, too: processes of one machine share the clock."""

    call: int
    model: ModelKey
    rows: list[PackedRow]
    deadline: float
    caller: str


class Abandon(_Message, tag=1):
    """Nobody waits for the answer to `call` any more."""

    call: int


class HandOver(_Message, tag=2):
    """A request that the engine shall answer."""

    call: int
    request: WholeRequest


class Reported(_Message, tag=3):
    """`wanted` is the number of the `Collect` that asked for it; 0 when nobody did."""

    wanted: int
    report: Report


class Acknowledged(_Message, tag=4):
    """Queries are answered by this revision of the registry, or a later one."""

    revision: int


class Ready(_Message, tag=5):
    """Connections may come."""


class Leaving(_Message, tag=6):
    """No more connections, please."""


class Welcome(_Message, tag=0):
    """The first message to a front end."""

    setup: FrontendSetup


class Registered(_Message, tag=1):
    """A registry at one revision; kinds and texts as in `domain.record_json`."""

    revision: int
    records: list[tuple[str, str]]


class Answered(_Message, tag=2):
    """One result for each row."""

    call: int
    results: list[Result]


class CameLate(_Message, tag=3):
    """An output for a row whose call was answered without it."""

    call: int
    index: int
    output: bytes


class HandedBack(_Message, tag=4):
    """The answer to a `HandOver`."""

    call: int
    answer: WholeAnswer


class Collect(_Message, tag=5):
    """Report now."""

    number: int


FromFrontend = Ask | Abandon | HandOver | Reported | Acknowledged | Ready | Leaving
FromEngine = Welcome | Registered | Answered | CameLate | HandedBack | Collect

FROM_FRONTEND = msgspec.msgpack.Decoder(list[FromFrontend])
FROM_ENGINE = msgspec.msgpack.Decoder(list[FromEngine])


def packed_results(results: Sequence[RowResult]) -> list[Result]:
    return [result.output if isinstance(result, Predicted) else result for result in results]


def unpacked_results(results: Sequence[Result]) -> list[RowResult]:
    return [Predicted(OutputJson(one)) if isinstance(one, bytes) else one for one in results]


def registered(snapshot: RegistrySnapshot) -> Registered:
    return Registered(
        snapshot.revision, [(record_key(record)[0], record_to_json(record)) for record in snapshot.records()]
    )


def snapshot_of(message: Registered) -> RegistrySnapshot:
    return RegistrySnapshot.of(message.revision, (record_from_json(kind, text) for kind, text in message.records))
