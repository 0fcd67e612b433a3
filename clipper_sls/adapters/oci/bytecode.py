"""Compiles sources the same way everywhere, so that a replica need not do it at each of its starts.

`.pyc` files are *unchecked* (PEP 552): they hold no time of a source, and Python does not look whether it changed; in
an image it cannot. A process of its own compiles, without the user's site packages, since which strings a process
holds already decides what marshal repeats and what it refers back to.
"""

import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib.util import cache_from_source
from pathlib import Path

from clipper_sls.adapters.oci.tar_stream import FileEntry
from clipper_sls.image_errors import ImageBuildError

HOST_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

_COMPILE = """
import py_compile, sys
for line in sys.stdin.buffer.read().decode().split("\\0"):
    source, compiled, shown = line.split("\\n")
    try:
        py_compile.compile(
            source, compiled, shown, doraise=True, optimize=0,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    except (py_compile.PyCompileError, ValueError, RecursionError):
        pass  # templates, and examples for other versions of Python
"""


def compiled(folder: Path, names: Iterable[str], place: str, scratch: Path) -> Mapping[str, FileEntry]:
    """The `.pyc` files of the sources `names` below `folder`, by path beside them; tracebacks will say `place`.

    They are written below `scratch`. What does not compile has none.
    """
    wanted = [name for name in sorted(names) if name.endswith(".py")]
    targets = {name: cache_from_source(name, optimization="") for name in wanted}
    if not targets:
        return {}
    lines = [f"{folder / name}\n{scratch / target}\n/{place}/{name}" for name, target in targets.items()]
    result = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-S", "-s", "-W", "ignore", "-c", _COMPILE],
        input="\0".join(lines).encode(),
        env={"PYTHONHASHSEED": "0", "PYTHONUTF8": "1"},
        capture_output=True,
        check=False,
    )
    if result.returncode:
        raise ImageBuildError(f"Compiling Python sources failed: {result.stderr.decode(errors='replace').strip()}")
    return {target: FileEntry(scratch / target) for target in targets.values() if (scratch / target).exists()}
