"""Replicas of a model version: what they report, and the rules for starting, restarting and stopping them. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.records import Scaling


class ReplicaState(StrEnum):
    STARTING = "starting"
    READY = "ready"
    BUSY = "busy"
    STOPPING = "stopping"


class Health(StrEnum):
    """How a model version is doing as a whole."""

    STARTING = "starting"  # no replica ready yet, none has crashed
    HEALTHY = "healthy"  # at least one replica is ready
    DEGRADED = "degraded"  # none ready; crashed lately and being restarted
    UNHEALTHY = "unhealthy"  # crashed again and again; still retried, at long intervals
    ASLEEP = "asleep"  # scaled to zero, wakes on the next query
    OFF = "off"  # scaled to zero for good


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """One replica, as shown to people. `replica_id` is unique within its version and never used again."""

    replica_id: int
    state: ReplicaState
    pid: int | None
    log_path: str
    started_at: float  # seconds since 1970, UTC
    rows_answered: int = 0


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """All replicas of one version."""

    model: ModelId
    health: Health
    scaling: Scaling
    replicas: tuple[ReplicaStatus, ...]
    queued_rows: int
    consecutive_crashes: int
    last_error: str | None
    url: str | None = None  # of a version that runs elsewhere, on how many replicas nobody here knows

    @property
    def ready_replicas(self) -> int:
        return sum(replica.state in (ReplicaState.READY, ReplicaState.BUSY) for replica in self.replicas)


UNHEALTHY_AFTER_CRASHES = 5
FIRST_BACKOFF_S = 0.1
MAX_BACKOFF_S = 30.0


def restart_delay_s(consecutive_crashes: int) -> float:
    """How long to wait before a crashed replica is started again: nothing at first, then doubling to a maximum."""
    if consecutive_crashes <= 1:
        return 0.0
    return min(MAX_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** (consecutive_crashes - 2))


def health(scaling: Scaling, ready: int, consecutive_crashes: int, has_starting: bool) -> Health:
    """The one word for a version's state."""
    if ready:
        return Health.HEALTHY
    if scaling.maximum == 0:
        return Health.OFF
    if consecutive_crashes >= UNHEALTHY_AFTER_CRASHES:
        return Health.UNHEALTHY
    if consecutive_crashes:
        return Health.DEGRADED
    if scaling.minimum == 0 and not has_starting:
        return Health.ASLEEP
    return Health.STARTING


def wanted_replicas(
    scaling: Scaling, live: int, busy: int, queued_rows: int, idle_for_s: float, idle_limit_s: float
) -> int:
    """How many replicas there should be now.

    One more while rows wait and every live replica is at work (one at a time: a replica that is still starting counts
    as live and not busy); back to the minimum when nothing was asked for `idle_limit_s`.
    """
    if queued_rows and live - busy <= 0:
        live += 1
    elif idle_for_s >= idle_limit_s and not busy and not queued_rows:
        live = scaling.minimum
    return max(scaling.minimum, min(scaling.maximum, live))


STABLE_AFTER_S = 60.0
"""A replica that was ready for this long was well, whether or not anybody asked it."""


def crashes_after(consecutive_crashes: int, ready_for_s: float | None) -> int:
    """The count of consecutive crashes after one more; `ready_for_s` is None when the replica never got ready."""
    was_stable = ready_for_s is not None and ready_for_s >= STABLE_AFTER_S
    return 1 if was_stable else consecutive_crashes + 1


MAX_STARTING = 8
"""Replicas of one version that start at the same time; loading a model takes a core and time, and time is limited."""


def replicas_to_start(target: int, live: int, starting: int, consecutive_crashes: int) -> int:
    """How many to start at once; after more than one crash a single one goes first and shows whether it is worth it."""
    room = (1 if consecutive_crashes > 1 else MAX_STARTING) - starting
    return max(0, min(target - live, room))
