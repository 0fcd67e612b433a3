"""How much memory a replica may use.

Two bounds, because each has a gap. The kernel's limit on private writable memory (Linux) turns one allocation too many
into a MemoryError, which fails a row and not the replica; but it does not count shared memory. Resident memory counts
all, but has to be looked at from time to time.
"""

import resource
import sys
from contextlib import suppress

import psutil

from clipper_sls.adapters.engine.limits import MIB


def limit_private_memory(pid: int, limit_mib: int) -> None:
    """Bound what process `pid`, and those it starts from now on, can allocate; does nothing where the kernel cannot."""
    if sys.platform == "linux":
        with suppress(ProcessLookupError, PermissionError):
            resource.prlimit(pid, resource.RLIMIT_DATA, (limit_mib * MIB, limit_mib * MIB))


def resident_bytes(pid: int) -> int:
    """Memory that process `pid` occupies now; 0 when it is gone."""
    try:
        rss: int = psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return 0
    return rss
