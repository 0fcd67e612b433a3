"""The numbers that bound execution environments."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ExecutionLimits:
    """Units are in the names."""

    start_timeout_s: float = 60.0  # from the start of a process to its first wait for work
    idle_limit_s: float = 300.0  # without a call, before an environment that nobody asked to keep ends
    spare_limit_s: float = 2.0  # the same, of those beside others that are kept ready
    max_environments: int = 64  # per version
    starting_at_once: int = 4  # per version; each takes a core while it imports
    stop_grace_s: float = 2.0  # between SIGTERM and SIGKILL
    memory_mib: int = 2048  # of private memory, whatever the function's own limit
    log_bytes: int = 10 * MIB
    max_log_files: int = 50  # per version
    log_tail_lines: int = 30  # in the error of a start that failed
    watch_interval_s: float = 0.5
