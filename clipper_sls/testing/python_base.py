"""A base image with this very Python, made of its own files in seconds: nothing is downloaded, and no distribution is
set up.

A pickled function runs only on the minor version of Python that it was made with, and tests run on several. The image
holds the interpreter, its standard library and pip, the shared libraries that these and wheels for Linux need, and
nothing else: no shell, no tools.
"""

import gzip
import io
import os
import platform
import re
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution
from importlib.util import cache_from_source
from pathlib import Path, PurePosixPath
from threading import Event

from clipper_sls.adapters.oci.layers import write_layer
from clipper_sls.adapters.oci.layout import Layout
from clipper_sls.adapters.oci.registries import Registries
from clipper_sls.adapters.oci.tar_stream import FileEntry, Files
from clipper_sls.domain.image import media_types
from clipper_sls.domain.image.contents import LayerKind
from clipper_sls.domain.image.digests import Descriptor, digest_of
from clipper_sls.domain.image.documents import (
    ContainerConfig,
    ImageConfig,
    RootFilesystem,
    descriptor_of,
    manifest_of,
    to_json,
)
from clipper_sls.domain.image.platforms import Platform
from clipper_sls.domain.image.references import Reference
from clipper_sls.testing.installed_packages import closure, files_of

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
PATCH_VERSION = ".".join(str(part) for part in sys.version_info[:3])
VARIABLES = ("PATH=/usr/local/bin:/usr/bin:/bin", f"PYTHON_VERSION={PATCH_VERSION}")
PLATFORM = {"x86_64": Platform.AMD64, "aarch64": Platform.ARM64}.get(platform.machine(), Platform.AMD64)
NO_FILES: Files = {}

_LIBRARY = f"usr/local/lib/python{PYTHON}"
_PACKAGES = "dist-packages" if "deb_system" in sysconfig.get_scheme_names() else "site-packages"
_LEFT_OUT = re.compile(
    r"(^|/)(__pycache__|tests?|idlelib|idle_test|tkinter|turtledemo|lib2to3|ensurepip|(site|dist)-packages|config-[^/]*)/|_tkinter"
)
_UNUSED = frozenset(("include", "tests"))
"""Folders of packages that no model needs, and that are a third of some."""

_MACHINE_CODE = re.compile(r"\.so(\.|$)")

_FOR_WHEELS = "c m dl rt util pthread gcc_s stdc++ z expat resolv nss_files nss_dns"
"""Libraries that a `manylinux` wheel may count on (PEP 600), without those of desktops."""

_WITH_SBIN = {"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"}

_SETTINGS = {
    "etc/passwd": b"root:x:0:0:root:/root:/none\nnobody:x:65534:65534:nobody:/nonexistent:/none\n",
    "etc/group": b"root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": b"passwd: files\ngroup: files\nhosts: files dns\n",
}
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_PYC_HEADER_BYTES = 16
_UNCHECKED_HASH = (1).to_bytes(4, "little")


def python_base() -> dict[str, FileEntry]:
    """The files of the image's one layer; `VARIABLES` are its environment."""
    standard_library = dict(_standard_library(Path(sysconfig.get_path("stdlib"))))
    interpreter = Path(os.path.realpath(sys._base_executable))  # type: ignore[attr-defined]  # noqa: SLF001
    machine_code = [Path(str(entry.source)) for path, entry in standard_library.items() if _MACHINE_CODE.search(path)]
    files = {name: FileEntry(content) for name, content in _SETTINGS.items()}
    files |= standard_library | package_files([distribution("pip")])
    files |= {
        str(path).lstrip("/"): FileEntry(path, is_executable=True) for path in _needed([interpreter, *machine_code])
    }
    files["usr/local/bin/python3"] = FileEntry(interpreter, is_executable=True)
    if _CERTIFICATES.exists():
        files[str(_CERTIFICATES).lstrip("/")] = FileEntry(_CERTIFICATES)
    return files


def package_files(packages: Iterable[Distribution]) -> dict[str, FileEntry]:
    """Installed packages, where the Python of the image finds them."""
    files: dict[str, FileEntry] = {}
    for package in packages:
        for path, source in files_of(package):
            if _UNUSED.isdisjoint(PurePosixPath(path).parts):
                files.update(_with_bytecode(f"{_LIBRARY}/{_PACKAGES}/{path}", source))
    return files


def _standard_library(folder: Path) -> Iterator[tuple[str, FileEntry]]:
    for path in folder.rglob("*"):
        relative = path.relative_to(folder).as_posix()
        if path.is_file() and not _LEFT_OUT.search(relative):
            yield from _with_bytecode(f"{_LIBRARY}/{relative}", path)


def _with_bytecode(path: str, source: Path) -> Iterator[tuple[str, FileEntry]]:
    yield path, FileEntry(source, is_executable=os.access(source, os.X_OK))
    if source.suffix == ".py" and (bytecode := _bytecode(source)) is not None:
        yield cache_from_source(path, optimization=""), FileEntry(bytecode)


def _bytecode(source: Path) -> bytes | None:
    """What lies compiled beside `source`, made valid without its time, which layers do not keep (PEP 552)."""
    compiled = Path(cache_from_source(str(source), optimization=""))
    if not compiled.is_file() or compiled.stat().st_mtime < source.stat().st_mtime:
        return None
    content = compiled.read_bytes()
    return content[:4] + _UNCHECKED_HASH + bytes(8) + content[_PYC_HEADER_BYTES:]


def _needed(binaries: Iterable[Path]) -> set[Path]:
    """The shared libraries that `binaries` load, the loader among them, and those for wheels."""
    printed = subprocess.run(["ldd", *map(str, binaries)], capture_output=True, text=True, check=False).stdout  # noqa: S603, S607
    loaded = set(re.findall(r"(?:=> |^\s+)(/\S+) \(0x", printed, re.MULTILINE))
    known = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=True, env=_WITH_SBIN).stdout  # noqa: S607
    for name in _FOR_WHEELS.split():
        match = re.search(rf"^\s+lib{re.escape(name)}\.so\.\d+ \(libc6,\S+\) => (\S+)$", known, re.MULTILINE)
        if match:
            loaded.add(match[1])
    return {Path(path) for path in loaded}


def push_python_base(
    reference: Reference, folder: Path, packages: Iterable[str] = (), files: Files = NO_FILES
) -> Reference:
    """Put such an image, for this machine's platform, where `reference` says, with `packages` that are installed here
    and all that they need, and further `files`; returns it by digest. Blobs pass through `folder`.
    """
    layout = Layout(folder)
    parts = [{**python_base(), **files}, *([package_files(closure(packages))] if packages else [])]
    written = [write_layer(layout, LayerKind.WEIGHTS, part) for part in parts]  # of weights: framed, not compressed
    layers = [_temporary_folder(layout), *((one.descriptor, one.diff_id) for one in written)]
    rootfs = RootFilesystem("layers", tuple(diff_id for _, diff_id in layers))
    container = ContainerConfig(env=VARIABLES, cmd=("python3",))
    config = to_json(ImageConfig(PLATFORM.architecture, PLATFORM.os, rootfs, config=container))
    layout.keep([config])
    described = descriptor_of(config, media_types.CONFIG)
    blobs = [Descriptor(layer.media_type, layer.digest, layer.size) for layer, _ in layers]
    manifest = to_json(manifest_of(described, blobs))
    with Registries(docker_config=folder / "none", pause=Event().wait) as registries:
        repository = registries.repository(reference)
        for blob in (*blobs, described):
            repository.push(blob, layout)
        repository.put_manifest(manifest, media_types.MANIFEST, reference.identifier)
    return reference.pinned(digest_of(manifest))


def _temporary_folder(layout: Layout) -> tuple[Descriptor, str]:
    """A layer, and its digest before compression: /tmp, where all may write, as bases have it."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo("tmp")
        member.type, member.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(member)
    layer = gzip.compress(archive.getvalue(), mtime=0)
    layout.keep([layer])
    return descriptor_of(layer, media_types.LAYER_GZIP), digest_of(archive.getvalue())
