"""Ends this process when the one that started it is gone, however that one ended.

Two means, because each has a gap: the kernel's parent-death signal exists on Linux only, and a thread that watches a
pipe needs the interpreter lock, which native code of a model may hold for long.
"""

import ctypes
import os
import signal
import sys
import threading

PR_SET_PDEATHSIG = 1
ORPHANED_EXIT_CODE = 70


def follow_parent(lifeline_fd: str | None) -> None:
    """Tie this process to its parent; without a lifeline there is no parent to follow, and nothing is done.

    `lifeline_fd` is the number of the read end of a pipe whose write end the parent alone holds.
    """
    if lifeline_fd is None:
        return
    _die_with_parent()
    descriptor = int(lifeline_fd)
    os.set_inheritable(descriptor, False)
    threading.Thread(target=_end_at_eof, args=(descriptor,), name="lifeline", daemon=True).start()


def _die_with_parent() -> None:
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before the signal was asked for, so the signal never comes
        os._exit(ORPHANED_EXIT_CODE)


def _end_at_eof(descriptor: int) -> None:
    while os.read(descriptor, 1):
        pass
    os._exit(ORPHANED_EXIT_CODE)
