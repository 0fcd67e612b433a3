"""Makes bundles: a folder with a manifest beside the files that it lists."""

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any, TypedDict, Unpack

from clipper_sls.domain.bundle import (
    CLOSURE_ENTRY,
    FUNCTION_FILE,
    LOCK_FILE,
    MANIFEST_NAME,
    MODULES_FOLDER,
    OBJECT_ENTRY,
    SIGNATURE_FILE,
    WARM_UP_FILE,
    BundledFile,
    Manifest,
)
from clipper_sls.domain.envelope import pack_event
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.lock import lock_text
from clipper_sls.domain.query import PackedRow
from clipper_sls.domain.weights import WEIGHTS_FOLDER
from clipper_sls.errors import InvalidBundleError
from clipper_sls.packaging.closure import PickledClosure, needs, pickle_closure
from clipper_sls.packaging.function_check import INPUTS, MODEL, check_function
from clipper_sls.packaging.locking import locked
from clipper_sls.packaging.object_check import Served, check_object, is_served_object
from clipper_sls.packaging.origin import ORIGIN_FILE, home_of, note_origin
from clipper_sls.packaging.pickle_reading import read_pickle
from clipper_sls.packaging.requirements import not_given, pinned_requirements
from clipper_sls.packaging.weights import Weights


class Target(TypedDict):
    """What a bundle is made as, and the folder in which, which is made or empty."""

    name: str
    version: str
    input_type: str
    pkgs_to_install: Iterable[str]
    destination: Path


def bundle_closure(
    func: Served,
    *,
    name: str,
    version: str,
    input_type: str,
    pkgs_to_install: Iterable[str] = (),
    destination: Path,
) -> Manifest:
    """Bundle a function of a list of inputs into the folder `destination`, which is made or empty.

    Instead of a function it may be a class or an instance with a `predict`. Raises UnpicklableError, naming the
    variable in the way, when it cannot be sent to another process.
    """
    is_object = is_served_object(func)
    (check_object if is_object else check_function)(func)
    _make_empty(destination)
    closure = _pickled(func, name, version, destination)
    entry = OBJECT_ENTRY if is_object else CLOSURE_ENTRY
    requirements = pinned_requirements(closure.imports)
    note_origin(destination, home_of(func))
    return _written(destination, name, version, input_type, entry, requirements, pkgs_to_install)


def bundle_model(
    func: Callable[[Any, Any], Any],
    model: object,
    weights: Weights | None,
    **target: Unpack[Target],
) -> Manifest:
    """`bundle_closure` for a function of a model and a list of inputs, with `weights` in a folder of their own.

    What of `model` is not in `weights` is pickled with the function; without any, all of it.
    """
    check_function(func, (MODEL, INPUTS))
    folder = target["destination"]
    _make_empty(folder)
    closure = _pickled(partial(func, model), target["name"], target["version"], folder, weights)
    entry, imports = CLOSURE_ENTRY, closure.imports
    if weights is not None:
        (folder / WEIGHTS_FOLDER).mkdir()
        weights.write(folder / WEIGHTS_FOLDER)
        entry, imports = weights.kind.entry, imports | weights.imports
    note_origin(folder, home_of(func))
    return _written(
        folder,
        target["name"],
        target["version"],
        target["input_type"],
        entry,
        pinned_requirements(imports),
        target["pkgs_to_install"],
    )


def bundle_weights(weights: Weights, requirements: Iterable[str], python: str, **target: Unpack[Target]) -> Manifest:
    """Bundle weights that hold the whole function, for replicas with `requirements` on the minor version `python`."""
    folder = target["destination"]
    _make_empty(folder)
    (folder / WEIGHTS_FOLDER).mkdir()
    weights.write(folder / WEIGHTS_FOLDER)
    return _written(
        folder,
        target["name"],
        target["version"],
        target["input_type"],
        weights.kind.entry,
        tuple(requirements),
        target["pkgs_to_install"],
        python,
    )


def bundle_directory(
    model_data_path: str | Path,
    *,
    name: str,
    version: str,
    input_type: str,
    entry: str | None = None,
    pkgs_to_install: Iterable[str] = (),
    destination: Path,
) -> Manifest:
    """Bundle the files of a folder as they are, for a model that was saved earlier.

    With a `func.pkl` the entry is that function, else `entry`. Raises InvalidBundleError when there is neither.
    """
    folder = Path(model_data_path)
    if not folder.is_dir():
        raise InvalidBundleError(f"{folder} is not a folder; model_data_path names the folder with the model's files")
    for needed in (MANIFEST_NAME, LOCK_FILE, SIGNATURE_FILE):
        if (folder / needed).exists():
            raise InvalidBundleError(f"{folder} holds a {needed}, a name that the bundle needs; rename that file")
    requirements: tuple[str, ...] = ()
    if (folder / FUNCTION_FILE).is_file():
        entry = CLOSURE_ENTRY
        requirements = pinned_requirements(needs(read_pickle(folder / FUNCTION_FILE), ()))
    if entry is None:
        raise InvalidBundleError(f"{folder} holds no {FUNCTION_FILE}; deploy the model with deploy_python_closure")
    _make_empty(destination)
    shutil.copytree(folder, destination, dirs_exist_ok=True)
    note_origin(destination, folder)
    return _written(destination, name, version, input_type, entry, requirements, pkgs_to_install)


def bundle_builtin(entry: str, *, name: str, version: str, input_type: str, destination: Path) -> Manifest:
    """Bundle a model that comes with the runtime, `NOOP_ENTRY` for one; nothing but a manifest."""
    _make_empty(destination)
    return _written(destination, name, version, input_type, entry, (), ())


def _pickled(
    func: object, name: str, version: str, destination: Path, weights: Weights | None = None
) -> PickledClosure:
    """Writes the function and the sources that it needs."""
    name_of = None if weights is None else weights.name_of
    closure = pickle_closure(func, f"{name}:{version}", destination / FUNCTION_FILE, name_of)
    for source in closure.sources:
        target = destination / MODULES_FOLDER / source.relative_path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source.path, target)
    return closure


def add_warm_up(folder: Path, rows: Sequence[PackedRow]) -> Manifest:
    """Let every replica of the bundle in `folder` ask its function for `rows` before it is ready.

    Files are replaced and never written to: they may be links to those of another bundle.
    """
    manifest = Manifest.from_json((folder / MANIFEST_NAME).read_bytes())
    path = folder / WARM_UP_FILE
    if manifest.warm_up_file is None and path.exists():
        raise InvalidBundleError(f"The bundle holds a {WARM_UP_FILE}, which warm-up inputs need; rename that file")
    _replace(path, pack_event(InputType(manifest.input_type), rows))
    files = {**manifest.files, WARM_UP_FILE: _entry(path)}
    warmed_up = replace(manifest, files=files, warm_up_file=WARM_UP_FILE)
    _replace(folder / MANIFEST_NAME, warmed_up.to_json())
    return warmed_up


def _replace(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def _make_empty(destination: Path) -> None:
    destination.mkdir(parents=True, exist_ok=True)
    if any(destination.iterdir()):
        raise InvalidBundleError(f"{destination} is not empty; a bundle needs a folder of its own")


def _written(
    folder: Path,
    name: str,
    version: str,
    input_type: str,
    entry: str,
    requirements: tuple[str, ...],
    pkgs_to_install: Iterable[str],
    made_elsewhere_on: str | None = None,
) -> Manifest:
    """What was made elsewhere, on that Python, is not locked to what happens to be installed here."""
    given = tuple(pkgs_to_install)
    pins = not_given(requirements, given)
    lock = () if made_elsewhere_on else locked(pins, given)
    if lock:
        (folder / LOCK_FILE).write_bytes(lock_text(lock))
    manifest = Manifest(
        name=name,
        version=version,
        input_type=InputType.parse(input_type).value,
        entry=entry,
        python=made_elsewhere_on or f"{sys.version_info.major}.{sys.version_info.minor}",
        cloudpickle=installed_version("cloudpickle"),
        requirements=pins,
        pkgs_to_install=given,
        files=_listed(folder),
        lock_file=LOCK_FILE if lock else None,
    )
    (folder / MANIFEST_NAME).write_bytes(manifest.to_json())
    return manifest


def _listed(folder: Path) -> Mapping[str, BundledFile]:
    found = {path.relative_to(folder).as_posix(): path for path in sorted(_files(folder))}
    return {name: _entry(path) for name, path in found.items() if name != ORIGIN_FILE}


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)


def _entry(path: Path) -> BundledFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return BundledFile(sha256=digest, size_bytes=path.stat().st_size)
