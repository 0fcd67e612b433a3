"""The packages of a model version, once they are installed, for a platform that need not be this one.

What of an installed package differs from machine to machine is left out: scripts, which name an interpreter of this
machine, and where a package came from.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from clipper_sls.adapters.oci.package_origins import Offered, offered_wheels, package_of
from clipper_sls.adapters.oci.tar_stream import FileEntry
from clipper_sls.domain.image.bill_of_materials import Package
from clipper_sls.domain.image.platforms import ELF_HEADER_BYTES, Platform, elf_machine
from clipper_sls.image_errors import ImageBuildError

_RECORD = "RECORD"
_DIST_INFO = ".dist-info"
_OF_THIS_MACHINE = frozenset(("direct_url.json", "uv_cache.json", "REQUESTED"))
"""The last says that somebody asked for the package by name, which a build from a lock does for all of them."""
_TESTS, _DATA, _TEST_MODULE = "tests", "data", "test_*.py"
_DEPTH_IN_DIST_INFO = 2
_OWNER_MAY_RUN = 0o100


@dataclass(frozen=True, slots=True)
class Installed:
    """`files` by path relative to the folder; `owners` says whose each is, "numpy 2.4.6", where one says so."""

    files: Mapping[str, FileEntry]
    owners: Mapping[str, str]
    packages: Mapping[str, Package]  # by the same names

    @property
    def pins(self) -> tuple[str, ...]:
        """`name==version` of each package, sorted by name."""
        return tuple(sorted(f"{package.name}=={package.version}" for package in self.packages.values()))


def installed_in(folder: Path, platform: Platform, lock: str) -> Installed:
    """What somebody installed there; `lock` (`pylock.toml`) tells which wheels there are, as far as it is known.

    Raises ImageBuildError naming the package that is for another platform.
    """
    installed = _installed(folder, offered_wheels(lock))
    check_platform(installed, platform)
    return installed


def _installed(folder: Path, offered: Offered) -> Installed:
    paths = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    kept = [path for path in paths if not _is_left_out(path)]
    owners: dict[str, str] = {}
    packages: dict[str, Package] = {}
    for path in kept:
        if path.endswith(f"{_DIST_INFO}/{_RECORD}"):
            name = " ".join(path.split("/")[0].removesuffix(_DIST_INFO).rsplit("-", 1))
            owners.update(dict.fromkeys(_recorded(folder / path), name))
            packages[name] = package_of((folder / path).parent, name, offered)
    return Installed({path: _entry(folder / path) for path in kept}, owners, packages)


def _is_left_out(path: str) -> bool:
    parts = PurePosixPath(path).parts
    is_noise = parts[0] == "bin" or "__pycache__" in parts or path == ".lock"
    return (
        is_noise
        or _is_test(parts)
        or (len(parts) == _DEPTH_IN_DIST_INFO and parts[0].endswith(_DIST_INFO) and parts[1] in _OF_THIS_MACHINE)
    )


def _is_test(parts: tuple[str, ...]) -> bool:
    """Of a package's own tests, which nobody imports: what runs them, and what they read; their helpers stay.

    With NumPy, SciPy and scikit-learn they are a tenth of all there is. The same rule is in
    `runtime_images/python/install.py`.
    """
    is_below_tests = _TESTS in parts[:-1]
    return is_below_tests and (_DATA in parts[parts.index(_TESTS) :] or fnmatch(parts[-1], _TEST_MODULE))


def _entry(path: Path) -> FileEntry:
    if path.name == _RECORD and path.parent.name.endswith(_DIST_INFO):
        lines = [line for line in path.read_text().splitlines() if not _is_left_out(line.partition(",")[0])]
        return FileEntry("".join(f"{line}\n" for line in sorted(lines)).encode())
    return FileEntry(path, is_executable=bool(path.stat().st_mode & _OWNER_MAY_RUN))


def _recorded(record: Path) -> Iterator[str]:
    """Paths of a RECORD file; one with a comma in it is quoted, and is nobody's here."""
    for line in record.read_text().splitlines():
        yield line.partition(",")[0]


def check_platform(installed: Installed, platform: Platform) -> None:
    """Raises ImageBuildError for a package with machine code, but none for `platform`: its wheel was tagged wrongly."""
    machines: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for path, entry in installed.files.items():
        if (machine := elf_machine(_head(entry))) is not None:
            machines[installed.owners.get(path, path)].setdefault(machine, path)
    for owner, found in machines.items():
        if platform.elf_machine not in found:
            path = next(iter(found.values()))
            raise ImageBuildError(
                f"The package {owner} is not for {platform}: {path} is machine code of another kind (ELF machine "
                f"{next(iter(found))}, not {platform.elf_machine}). Whoever made its wheel named the wrong platform; "
                f"pin another version of it"
            )


def _head(entry: FileEntry) -> bytes:
    if isinstance(entry.source, bytes):
        return entry.source[:ELF_HEADER_BYTES]
    with entry.source.open("rb") as file:
        return file.read(ELF_HEADER_BYTES)
