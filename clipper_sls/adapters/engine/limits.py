"""The numbers that bound the embedded engine's replicas."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """Units are in the names. Times of replicas are kept to within `watch_interval_s`."""

    start_timeout_s: float = 60.0  # from the start of a replica's process to its first wait for work
    function_timeout_s: float = 30.0  # one batch
    idle_limit_s: float = 300.0  # without a query, before surplus replicas stop
    drain_timeout_s: float = 10.0  # for batches under way when replicas are told to stop
    stop_grace_s: float = 2.0  # between SIGTERM and SIGKILL
    watch_interval_s: float = 0.25
    max_replicas: int = 64  # per model version: each is a process of this machine
    replica_memory_mib: int = 2048
    replica_log_bytes: int = 10 * MIB  # above this the newest half is kept
    max_log_files: int = 50  # per model version; the oldest go
    log_tail_lines: int = 30  # of a replica's log, in the error of a start that failed
    max_queued_rows: int = 10_000  # per model version
    max_batch_bytes: int = 4 * MIB  # rows of one batch; a larger row goes alone
    max_response_bytes: int = 64 * MIB  # of one batch
