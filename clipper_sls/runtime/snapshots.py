"""SnapStart: many environments begin from one snapshot of a replica, which was taken after its start.

What must not be equal in all of them is made anew after each restore. AWS' runtime client runs what is registered; an
older one has nowhere to register, and then there are no snapshots either.
"""

import os
import random
import sys
from collections.abc import MutableMapping
from types import ModuleType


def prepare_for_snapshots(modules: MutableMapping[str, ModuleType] = sys.modules) -> None:
    """Call it once the model is loaded. `modules` are those that have been imported by then."""
    try:
        from snapshot_restore_py import register_after_restore
    except ModuleNotFoundError:
        return
    register_after_restore(seed_generators, modules)


def seed_generators(modules: MutableMapping[str, ModuleType] = sys.modules) -> None:
    """Seed what was seeded when it was imported: equal copies would draw equal numbers.

    `secrets`, `os.urandom` and `uuid.uuid4` ask the kernel each time, which is not part of the snapshot's Python. The
    runtime keeps no connection that would have to be closed; a generator or a connection that a model made itself is
    the model's, which may register hooks of its own.
    """
    random.seed(os.urandom(32))
    if (numpy := modules.get("numpy")) is not None:
        numpy.random.seed(int.from_bytes(os.urandom(4), "big"))
    if (torch := modules.get("torch")) is not None:
        torch.manual_seed(int.from_bytes(os.urandom(4), "big"))
