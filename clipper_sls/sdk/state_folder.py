"""Which state folders the SDK may delete: those that it made itself, and nothing else.

`stop_all` forgets a cluster, as Clipper's did. A folder that held anything before the SDK started an engine on it
(state of an engine started by hand, for one) carries no mark and is never deleted.
"""

import shutil
import tempfile
from pathlib import Path

MARK = "forget-at-stop"
BUILT = "built"
"""Bundles that `build_model` made, by digest; it needs no engine, so they may be there before one was started."""


def make_private(folder: Path) -> None:
    """Make `folder` if it is not there, for its owner only."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def mark_if_new(state_dir: Path) -> None:
    """Mark `state_dir` as the SDK's own, unless there is something in it already."""
    make_private(state_dir)
    if all(entry.name == BUILT for entry in state_dir.iterdir()):
        (state_dir / MARK).touch()


def unmark(state_dir: Path) -> None:
    """Somebody wants to keep what is in `state_dir`."""
    (state_dir / MARK).unlink(missing_ok=True)


def forget(state_dir: Path) -> bool:
    """Delete `state_dir` if it is the SDK's own; otherwise only what was built. Whether all of it is gone."""
    is_ours = (state_dir / MARK).exists()
    _delete(state_dir if is_ours else state_dir / BUILT)
    return is_ours


def _delete(folder: Path) -> None:
    """Moved away first: a replica that was just killed may still write a last line into its log."""
    if not folder.exists():
        return
    grave = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    folder.rename(grave / folder.name)
    shutil.rmtree(grave, ignore_errors=True)
