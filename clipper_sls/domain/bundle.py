"""The manifest of a bundle: what a model version is made of, and the one digest that stands for all of it.

A bundle is a folder with `manifest.json` beside the files that the manifest lists. Runs inside model images: standard
library only. The digest covers name, version, type, requirements and the digest of every file, so nothing
of a bundle can be changed without its digest changing. The name and version are those that it was built as; like an
image, a bundle may be deployed under others.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from clipper_sls.domain.weights import ENTRY_PREFIX
from clipper_sls.errors import InvalidBundleError

MANIFEST_NAME = "manifest.json"
SCHEMA = 1

FUNCTION_FILE = "func.pkl"
CLOSURE_ENTRY = f"closure:{FUNCTION_FILE}"
"""Entry of a bundle whose `func.pkl` is a cloudpickled function of a list of inputs."""

OBJECT_ENTRY = f"object:{FUNCTION_FILE}"
"""Entry of a bundle whose `func.pkl` is a class or an instance, asked by its `predict` for a list of inputs."""

SET_UP_METHODS = ("setup", "load")
"""The first of these that such an object has is called once in each replica, without arguments."""

NOOP_ENTRY = "builtin:noop"
SUM_ENTRY = "builtin:sum"
"""Entries without a file: Clipper's no-op container, and its sum container."""

MODULES_FOLDER = "modules"
"""Folder with sources of the user's own modules, put on `sys.path` before the function is loaded."""

WARM_UP_FILE = "warm-up-inputs.json"
"""Inputs that every replica asks its function for before it is ready, as one event of `domain.envelope`."""

LOCK_FILE = "clipper.lock"
"""Every package that the function needs, directly or not, in one version each; see `domain.lock`."""

SIGNATURE_FILE = "signature.json"
"""Who vouches for the digest, so the manifest does not list it; see `domain.signature`."""

MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 1024
"""What file systems take for one part of a path, and less than they take for all of it."""


@dataclass(frozen=True, slots=True)
class BundledFile:
    sha256: str  # 64 hex digits
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything the engine must know of a bundle before it opens one of its files."""

    name: str
    version: str
    input_type: str
    entry: str  # one of the entries above, or "weights:" and the name of a format
    python: str  # "3.11": closures hold bytecode, which fits one minor version only
    cloudpickle: str
    requirements: tuple[str, ...] = ()  # pinned, found by analysis: "scikit-learn==1.9.1"
    pkgs_to_install: tuple[str, ...] = ()  # given by hand, as pip takes them
    files: Mapping[str, BundledFile] = field(default_factory=dict)  # by path relative to the manifest, with "/"
    schema: int = SCHEMA
    warm_up_file: str | None = None  # WARM_UP_FILE, where there is one
    lock_file: str | None = None  # LOCK_FILE, where there is one

    def to_json(self) -> bytes:
        """Canonical: equal manifests are equal bytes. What came later than the schema is not there when it is None."""
        fields = asdict(self)
        for later in ("warm_up_file", "lock_file"):
            if fields[later] is None:
                del fields[later]
        return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()

    @property
    def holds_pickle(self) -> bool:
        """Whether there is a `func.pkl` or an MLflow model: what fits one minor version of Python only."""
        return self.entry in (CLOSURE_ENTRY, OBJECT_ENTRY) or self.entry.startswith(ENTRY_PREFIX)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical manifest, 64 hex digits."""
        return hashlib.sha256(self.to_json()).hexdigest()

    @classmethod
    def from_json(cls, content: bytes) -> "Manifest":
        """Read a manifest; raises InvalidBundleError when it is not one, or of a schema unknown here."""
        try:
            fields = json.loads(content)
            manifest = cls(
                name=_text(fields, "name"),
                version=_text(fields, "version"),
                input_type=_text(fields, "input_type"),
                entry=_text(fields, "entry"),
                python=_text(fields, "python"),
                cloudpickle=_text(fields, "cloudpickle"),
                requirements=_texts(fields, "requirements"),
                pkgs_to_install=_texts(fields, "pkgs_to_install"),
                files={path: _file(entry) for path, entry in fields["files"].items()},
                schema=fields["schema"],
                warm_up_file=_text(fields, "warm_up_file") if "warm_up_file" in fields else None,
                lock_file=_text(fields, "lock_file") if "lock_file" in fields else None,
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InvalidBundleError(f"The bundle's {MANIFEST_NAME} cannot be read: {error!r}") from error
        if manifest.schema != SCHEMA:
            raise InvalidBundleError(f"The bundle has manifest schema {manifest.schema}; this release reads {SCHEMA}")
        _check_paths(manifest)
        return manifest


def _text(fields: Any, key: str) -> str:
    value = fields[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is not a string")
    return value


def _texts(fields: Any, key: str) -> tuple[str, ...]:
    values = fields[key]
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"{key} is not a list of strings")
    return tuple(values)


def _file(entry: Any) -> BundledFile:
    size = entry["size_bytes"]
    if not isinstance(size, int):
        raise TypeError("size_bytes is not a number")
    return BundledFile(sha256=_text(entry, "sha256"), size_bytes=size)


def _check_paths(manifest: Manifest) -> None:
    if manifest.warm_up_file not in (None, *manifest.files):
        raise InvalidBundleError(f"The bundle lists no {manifest.warm_up_file!r}, where its warm-up inputs should be")
    if manifest.lock_file not in (None, *manifest.files):
        raise InvalidBundleError(f"The bundle lists no {manifest.lock_file!r}, where its packages should be locked")
    taken = {MANIFEST_NAME, *manifest.files}
    for path in manifest.files:
        parts = path.split("/")
        if (
            not path
            or path in (MANIFEST_NAME, SIGNATURE_FILE)
            or "\0" in path
            or any(part in ("", ".", "..") for part in parts)
        ):
            raise InvalidBundleError(f"The bundle lists a file outside itself: {path!r}")
        if _byte_count(path) > MAX_PATH_BYTES or max(map(_byte_count, parts)) > MAX_NAME_BYTES:
            raise InvalidBundleError(f"The bundle lists a file whose name is too long: {path[:MAX_NAME_BYTES]!r}")
        if not taken.isdisjoint("/".join(parts[:count]) for count in range(1, len(parts))):
            raise InvalidBundleError(f"The bundle lists a file below another file: {path!r}")


def _byte_count(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))
