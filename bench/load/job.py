"""What the load generator is told, and what it tells; both cross a pipe."""

import msgspec

from bench.load.requests import Request


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """`arrivals`, in seconds from the start, make an open loop: nobody waits for an answer before asking again.

    Without them it is a closed loop: each of `connections` asks again as soon as it is answered, for `seconds`.
    Query number n is `requests[n % len(requests)]` with n in it, n from `first_number` on; unless `is_distinct` is off,
    and it is always the same n. Answers are waited for until `grace_s` after the last query.
    """

    port: int
    requests: list[Request]
    connections: int
    seconds: float
    arrivals: list[float] | None = None
    first_number: int = 0
    is_distinct: bool = True
    grace_s: float = 2.0


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One entry per query in the first three: when it was due, what its latency was, and a `Verdict`.

    Latency counts from the moment that the query was due, also where it was sent late for want of a free connection;
    it is infinite where no answer came. `reasons` counts default answers.
    """

    due_s: list[float]
    latency_s: list[float]
    verdicts: list[int]
    reasons: dict[str, int]
    seconds: float
    generator_cpu_s: float
    late_s: list[float]
    """How much later than due each query was sent, sorted; empty in a closed loop."""
