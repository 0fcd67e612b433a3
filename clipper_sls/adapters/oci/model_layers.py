"""The layers that a model version adds to its base, from the dependencies to the code."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from clipper_sls.adapters.oci.bytecode import HOST_PYTHON, compiled
from clipper_sls.adapters.oci.layer_cache import LayerCache
from clipper_sls.adapters.oci.layers import Layer, write_layer
from clipper_sls.adapters.oci.layout import Layout
from clipper_sls.adapters.oci.packages import LayerPackages
from clipper_sls.adapters.oci.tar_stream import FileEntry
from clipper_sls.adapters.oci.wheels import Installed, installed_in
from clipper_sls.domain.image.bill_of_materials import bill_of_materials
from clipper_sls.domain.image.building import ImageContext
from clipper_sls.domain.image.contents import (
    BILL_OF_MATERIALS,
    BUNDLE_FOLDER,
    PACKAGES_FOLDER,
    PACKAGES_LOCK,
    RUNTIME_FOLDER,
    SERVER_FOLDER,
    LayerKind,
)
from clipper_sls.domain.image.package_notes import UNOWNED, notes, packages_in
from clipper_sls.domain.image.references import Reference
from clipper_sls.domain.lock import lock_text

TESTS = frozenset({"test", "tests"})


def model_layers(
    context: ImageContext, base: Reference, layout: Layout, scratch: Path, packages: LayerPackages
) -> Iterator[Layer]:
    """Written to `layout`, lowest first. A model without weights has no layer of them. Raises ImageBuildError.

    `base` is the context's, by its digest.
    """
    split = context.split
    cache = LayerCache(layout)
    lower = [
        _server(context, packages, layout, cache, scratch),
        _dependencies(context, packages, layout, cache, scratch),
    ]
    yield from lower
    if split.weights:
        yield write_layer(layout, LayerKind.WEIGHTS, _of_bundle(context, split.weights))
    runtime = _sources(context, context.runtime, RUNTIME_FOLDER, scratch)
    bill = {BILL_OF_MATERIALS: FileEntry(_bill(context, base, lower))}
    yield write_layer(layout, LayerKind.CODE, {**_of_bundle(context, split.code), **runtime, **bill})


def _bill(context: ImageContext, base: Reference, lower: Sequence[Layer]) -> bytes:
    packages = {layer.kind: packages_in(layer.descriptor.annotations) for layer in lower}
    return bill_of_materials(context.manifest, packages, base, context.release)


def _server(context: ImageContext, packages: LayerPackages, layout: Layout, cache: LayerCache, scratch: Path) -> Layer:
    server, folder = context.server, scratch / "server"
    chosen = packages.chosen(LayerKind.SERVER)

    def make() -> Layer:
        packages.put(LayerKind.SERVER, folder)
        installed = installed_in(folder, context.platform, packages.wheels(LayerKind.SERVER))
        files = {**installed.files, **_compiled(context, folder, installed.files, SERVER_FOLDER, scratch)}
        everything = {**_below(SERVER_FOLDER, files), **_sources(context, server.sources, SERVER_FOLDER, scratch)}
        return write_layer(layout, LayerKind.SERVER, everything, notes(_sizes(installed, files), installed.packages))

    return cache.layer(LayerKind.SERVER, (*_platform(context), chosen, server.sources.name), make)


def _dependencies(
    context: ImageContext, packages: LayerPackages, layout: Layout, cache: LayerCache, scratch: Path
) -> Layer:
    folder = scratch / "packages"
    chosen = packages.chosen(LayerKind.DEPENDENCIES)

    def make() -> Layer:
        packages.put(LayerKind.DEPENDENCIES, folder)
        installed = installed_in(folder, context.platform, packages.wheels(LayerKind.DEPENDENCIES))
        files = {**installed.files, **_compiled(context, folder, installed.files, PACKAGES_FOLDER, scratch)}
        everything = {**_below(PACKAGES_FOLDER, files), PACKAGES_LOCK: FileEntry(lock_text(installed.pins))}
        return write_layer(
            layout, LayerKind.DEPENDENCIES, everything, notes(_sizes(installed, files), installed.packages)
        )

    return cache.layer(LayerKind.DEPENDENCIES, (*_platform(context), chosen), make)


def _platform(context: ImageContext) -> tuple[str, ...]:
    """What of the platform, and of this machine, is in a layer: bytecode is of a very release of Python."""
    return (context.platform.value, context.manifest.python, sys.version)


def _sources(context: ImageContext, folder: Path, place: str, scratch: Path) -> dict[str, FileEntry]:
    sources = {path.relative_to(folder).as_posix(): FileEntry(path) for path in folder.rglob("*.py")}
    return _below(place, {**sources, **_compiled(context, folder, sources, place, scratch)})


def _compiled(
    context: ImageContext, folder: Path, files: Mapping[str, FileEntry], place: str, scratch: Path
) -> Mapping[str, FileEntry]:
    """Nothing where the image has another Python than this process: bytecode is of one minor version.

    Nor for packages' own tests, which nobody imports: a third of scikit-learn's code, with NumPy and SciPy.
    """
    if context.manifest.python != HOST_PYTHON:
        return {}
    wanted = [path for path in files if TESTS.isdisjoint(PurePosixPath(path).parts[:-1])]
    return compiled(folder, wanted, place, scratch / "compiled" / place)


def _of_bundle(context: ImageContext, paths: tuple[str, ...]) -> dict[str, FileEntry]:
    return _below(BUNDLE_FOLDER, {path: FileEntry(context.bundle / path) for path in paths})


def _below(folder: str, files: Mapping[str, FileEntry]) -> dict[str, FileEntry]:
    return {f"{folder}/{path}": entry for path, entry in files.items()}


def _sizes(installed: Installed, files: Mapping[str, FileEntry]) -> dict[str, int]:
    """Bytes by package; bytecode counts for the package of its source."""
    sizes: Counter[str] = Counter()
    for path, entry in files.items():
        source = path.replace("__pycache__/", "").partition(".cpython-")[0] + ".py" if "__pycache__" in path else path
        sizes[installed.owners.get(source, UNOWNED)] += entry.size_bytes
    return dict(sizes)
