"""From which state of the code a bundle comes, as far as git knows.

It is no part of the bundle, which is the same from every commit that gives the same function; it goes into what its
signer says of it. Until then it waits in a file beside the manifest that is never sent.
"""

import functools
import os
import subprocess
import sys
from pathlib import Path

ORIGIN_FILE = ".clipper-origin"
LIMIT_S = 10.0
_DESCRIBE = ("git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def note_origin(bundle: Path, source: Path) -> None:
    """Remember in the folder `bundle` what the folder `source` is a working tree of; nothing, if git does not know."""
    (bundle / ORIGIN_FILE).unlink(missing_ok=True)
    if revision := _revision(source):
        (bundle / ORIGIN_FILE).write_text(revision)


def revision_in(bundle: Path) -> str:
    """What `note_origin` has noted there."""
    try:
        return (bundle / ORIGIN_FILE).read_text()
    except FileNotFoundError:
        return ""


def home_of(function: object) -> Path:
    """The folder with the source of a function or object; without one, of a notebook for instance, the working one."""
    while isinstance(function, functools.partial):
        function = function.func
    module = sys.modules.get(str(getattr(function, "__module__", None)))
    file = getattr(module, "__file__", None)
    return Path(file).parent if isinstance(file, str) and Path(file).exists() else Path.cwd()


def _revision(folder: Path) -> str:
    """The commit, with "-dirty" after it when a file that git follows was changed since."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}  # noqa: TID251
    variables["GIT_OPTIONAL_LOCKS"] = "0"  # looks, and writes nothing
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            _DESCRIBE, cwd=folder, env=variables, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
