"""Bundles that are damaged, forged or cannot be loaded: nothing of them runs, and what served goes on serving."""

import gzip
import importlib
import io
import json
import os
import pickle
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from clipper_sls import ClipperConnection, ClipperException, LocalContainerManager
from clipper_sls.deployers.python import create_endpoint, deploy_python_closure
from clipper_sls.domain.bundle import MANIFEST_NAME, SIGNATURE_FILE
from clipper_sls.packaging.bundling import bundle_closure
from clipper_sls.packaging.signing import Signer
from clipper_sls.testing.engine import EngineUnderTest, embedded_engine

MAX_BUNDLE_BYTES = 1_000_000
SLO_MICROS = 60_000_000

BREAKING = """
import os
import threading

LOCK = threading.Lock()
if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    print("looking for the licence")
    raise ImportError("no licence key on this machine")

def answer(x):
    with LOCK:
        return x
"""


@dataclass(frozen=True)
class Served:
    """An engine with the application `good`, which doubles."""

    engine: EngineUnderTest
    connection: ClipperConnection

    def post(self, path: str, content: bytes) -> httpx2.Response:
        """To the management port."""
        return httpx2.post(
            f"{self.engine.management}/admin/{path}", content=content, timeout=60, trust_env=False, verify=False
        )

    def add(self, name: str, digest: str) -> httpx2.Response:
        body = {"model_name": name, "model_version": "1", "input_type": "doubles"}
        image = {"container_name": f"{name}:1@sha256:{digest}", "model_data_path": "", "labels": [], "batch_size": 1}
        return self.post("add_model", json.dumps({**body, **image}).encode())

    def ask(self, name: str = "good") -> dict[str, Any]:
        url = f"{self.engine.query}/{name}/predict"
        return httpx2.post(url, json={"input": [1.0, 2.0]}, timeout=70, trust_env=False, verify=False).json()

    def bundles(self) -> list[Path]:
        return sorted((self.engine.state_dir / "bundles").iterdir())


def double_sums(inputs):
    return [2 * sum(x) for x in inputs]


def _connected(engine: EngineUnderTest) -> Served:
    connection = ClipperConnection(LocalContainerManager(state_dir=engine.state_dir))
    connection.connect()
    return Served(engine, connection)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CLIPPER_SLS_MAX_BUNDLE_BYTES", str(MAX_BUNDLE_BYTES))
        with embedded_engine(tmp_path_factory.mktemp("bundles") / "state") as engine:
            served = _connected(engine)
            create_endpoint(served.connection, "good", "doubles", double_sums, slo_micros=SLO_MICROS)
            yield served


@pytest.fixture
def nothing_changes(served: Served) -> Iterator[None]:
    """Of what is registered, kept and served."""
    before = served.bundles()
    yield
    assert served.bundles() == before
    assert served.connection.get_all_models() == ["good:1"]
    assert served.ask()["output"] == 6.0


@pytest.fixture
def bundle(tmp_path: Path) -> dict[str, bytes]:
    """Files of a good bundle of the model `forged`, the manifest included."""
    folder = tmp_path / "bundle"
    bundle_closure(double_sums, name="forged", version="1", input_type="doubles", destination=folder)
    return _signed({name: (folder / name).read_bytes() for name in (MANIFEST_NAME, "func.pkl")})


def _signed(bundle: dict[str, bytes], key: Path | None = None) -> dict[str, bytes]:
    """The bundle with a signature of what its manifest says: by the key that the engine trusts, or another."""
    key = Path(os.environ["CLIPPER_SLS_SIGNING_KEY"]) if key is None else key  # noqa: TID251
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, MANIFEST_NAME).write_bytes(bundle[MANIFEST_NAME])
        Signer(key).sign(Path(folder))
        return {**bundle, SIGNATURE_FILE: Path(folder, SIGNATURE_FILE).read_bytes()}


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A path at which a pickle of `_payload` makes a folder; that it does so is checked here."""
    proof = tmp_path / "proof"
    pickle.loads(_payload(proof))
    assert proof.exists()
    return tmp_path / "sprung"


def _payload(trap: Path, size_bytes: int = 0) -> bytes:
    """A pickle that makes the folder `trap` when it is read, filled up to a size."""

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(trap),)

    return pickle.dumps(Trap()).ljust(size_bytes, b"\n")


def _member(name: str, size_bytes: int = 0, **attributes: Any) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size_bytes
    for attribute, value in attributes.items():
        setattr(member, attribute, value)
    return member


def _tar(files: dict[str, bytes], *specials: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            tar.addfile(_member(name, len(content)), io.BytesIO(content))
        for special in specials:
            tar.addfile(special)
    return buffer.getvalue()


def _with_manifest(bundle: dict[str, bytes], **changes: Any) -> dict[str, bytes]:
    manifest = json.loads(bundle["manifest.json"]) | changes
    return {**bundle, "manifest.json": json.dumps(manifest).encode()}


def _listing(bundle: dict[str, bytes], name: str, **changes: Any) -> dict[str, bytes]:
    """The bundle with one more file, which holds what func.pkl holds."""
    listed = json.loads(bundle["manifest.json"])["files"]
    entry = {**listed["func.pkl"], **changes}
    return _with_manifest({**bundle, name: bundle["func.pkl"]}, files={**listed, name: entry})


def _signed_listing(bundle: dict[str, bytes], name: str, **changes: Any) -> dict[str, bytes]:
    return _signed(_listing(bundle, name, **changes))


def _sparse_bomb(bundle: dict[str, bytes]) -> bytes:
    """Two kilobytes that a tar reader makes 256 MiB of zeros of."""
    size_bytes = 256 << 20
    header = bytearray(_member("bomb", type=tarfile.GNUTYPE_SPARSE).tobuf(tarfile.GNU_FORMAT))
    header[345:500] = bytes(155)
    header[483:495] = b"%011o\0" % size_bytes
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    listing = _with_manifest(bundle, files={"bomb": {"sha256": "0" * 64, "size_bytes": size_bytes}})
    return _tar({"manifest.json": listing["manifest.json"]}).rstrip(b"\0").ljust(1024, b"\0") + header + bytes(1024)


def _without(bundle: dict[str, bytes], name: str) -> dict[str, bytes]:
    return {other: content for other, content in bundle.items() if other != name}


def _special(bundle: dict[str, bytes], **attributes: Any) -> bytes:
    """The bundle with a member of another kind in func.pkl's place."""
    return _tar(_without(bundle, "func.pkl"), _member("func.pkl", **attributes))


UNLISTED = "files are not those that its manifest lists"
UNREADABLE = "manifest.json cannot be read"
NO_TAR = "not a readable tar archive"
OUTSIDE = "lists a file outside itself"

BAD_UPLOADS = {
    "empty": (lambda b: b"", NO_TAR),
    "garbage": (lambda b: bytes(range(256)) * 100, NO_TAR),
    "zeros": (lambda b: bytes(100_000), "no readable manifest.json"),
    "compressed": (lambda b: gzip.compress(_tar(b)), NO_TAR),
    "cut off": (lambda b: _tar(b)[:2000], NO_TAR),
    "offset too large": (lambda b: _tar(_without(b, "func.pkl"), _member("func.pkl", 1 << 70)), NO_TAR),
    "no manifest": (lambda b: _tar(_without(b, "manifest.json")), "no readable manifest.json"),
    "a file too few": (lambda b: _tar(_without(b, "func.pkl")), UNLISTED),
    "a file too many": (lambda b: _tar({**b, "modules/os.py": b"evil"}), UNLISTED),
    "no Unicode": (lambda b: _tar({**b, "\udcff": b"evil"}), UNLISTED),
    "symbolic link": (lambda b: _special(b, type=tarfile.SYMTYPE, linkname="/etc/passwd"), UNLISTED),
    "hard link": (lambda b: _special(b, type=tarfile.LNKTYPE, linkname="manifest.json"), UNLISTED),
    "device": (lambda b: _special(b, type=tarfile.CHRTYPE, devmajor=1, devminor=5), UNLISTED),
    "pipe": (lambda b: _special(b, type=tarfile.FIFOTYPE), UNLISTED),
    "sparse bomb": (_sparse_bomb, UNLISTED),
    "unlisted way up": (lambda b: _tar({**b, "../../evil": b"evil"}), UNLISTED),
    "way up": (lambda b: _tar(_listing(b, "../../evil")), OUTSIDE),
    "hidden way up": (lambda b: _tar(_listing(b, "modules/../../evil")), OUTSIDE),
    "absolute": (lambda b: _tar(_listing(b, "/tmp/evil")), OUTSIDE),
    "the manifest itself": (lambda b: _tar(_with_manifest(b, files={"manifest.json": {}})), UNREADABLE),
    "file below a file": (lambda b: _tar(_listing(b, "func.pkl/evil")), "a file below another file"),
    "name too long": (lambda b: _tar(_listing(b, "x" * 300)), "name is too long"),
    "wrong size": (lambda b: _tar(_signed_listing(b, "more", size_bytes=1)), "is not what its manifest says"),
    "wrong digest": (lambda b: _tar(_signed_listing(b, "more", sha256="0" * 64)), "is not what its manifest says"),
    "the signature is listed": (lambda b: _tar(_listing(b, SIGNATURE_FILE)), OUTSIDE),
    "signature is a link": (
        lambda b: _tar(_without(b, SIGNATURE_FILE), _member(SIGNATURE_FILE, type=tarfile.SYMTYPE, linkname="func.pkl")),
        "signature.json cannot be read",
    ),
    "size is text": (lambda b: _tar(_listing(b, "more", size_bytes="1")), UNREADABLE),
    "digest is none": (lambda b: _tar(_listing(b, "more", sha256=None)), UNREADABLE),
    "name is a number": (lambda b: _tar(_with_manifest(b, name=1)), UNREADABLE),
    "files is a list": (lambda b: _tar(_with_manifest(b, files=["func.pkl"])), UNREADABLE),
    "requirements is text": (lambda b: _tar(_with_manifest(b, requirements="numpy")), UNREADABLE),
    "unknown schema": (lambda b: _tar(_with_manifest(b, schema=99)), "manifest schema 99"),
    "manifest is a list": (lambda b: _tar({**b, "manifest.json": b"[]"}), UNREADABLE),
    "manifest is deep": (lambda b: _tar({**b, "manifest.json": b"[" * 100_000}), UNREADABLE),
    "manifest is no text": (lambda b: _tar({**b, "manifest.json": b"\xff\xfe\xfd"}), UNREADABLE),
}


def test_a_function_that_cannot_be_imported_is_not_deployed(served, tmp_path, monkeypatch):
    (tmp_path / "breaking.py").write_text(BREAKING)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("breaking")
    with pytest.raises(ClipperException, match="no licence key on this machine") as refused:
        deploy_python_closure(served.connection, "good", 2, "doubles", lambda xs: [module.answer(x) for x in xs])
    assert "looking for the licence" in str(refused.value)
    assert served.connection.get_all_models() == ["good:1"]
    assert served.connection.get_current_model_version("good") == "1"
    assert served.connection.cm.management.get_replicas("good")[0]["health"] == "healthy"
    assert served.ask()["output"] == 6.0


@pytest.mark.usefixtures("nothing_changes")
def test_a_pickle_that_was_changed_is_refused_before_it_is_read(served, bundle, trap):
    changed = {**bundle, "func.pkl": _payload(trap, len(bundle["func.pkl"]))}
    response = served.post("upload_bundle", _tar(changed))
    assert response.status_code == 400
    assert "func.pkl" in response.text
    assert "Nothing of it was loaded" in response.text
    assert not trap.exists()


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("name", BAD_UPLOADS)
def test_what_is_no_bundle_is_refused_and_leaves_nothing_behind(served, bundle, name):
    upload, text = BAD_UPLOADS[name]
    response = served.post("upload_bundle", upload(bundle))
    assert (response.status_code, text in response.text) == (400, True), response.text


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("name", ["unsigned", "of another bundle", "by somebody else", "changed"])
def test_what_nobody_trusted_has_signed_is_refused_before_it_is_unpacked(served, bundle, trap, tmp_path, name):
    forged = _with_manifest({**bundle, "func.pkl": _payload(trap)}, requirements=["evil==1"])
    upload = {
        "unsigned": lambda: _without(bundle, SIGNATURE_FILE),
        "of another bundle": lambda: forged,
        "by somebody else": lambda: _signed(forged, tmp_path / "key.pem"),
        "changed": lambda: {**bundle, SIGNATURE_FILE: bundle[SIGNATURE_FILE].replace(b'"sig":"', b'"sig":"AAAA')},
    }[name]
    response = served.post("upload_bundle", _tar(upload()))
    assert response.status_code == 403, response.text
    assert response.headers["X-Clipper-Error-Code"] == "bundle_not_trusted"
    assert not trap.exists()


@pytest.mark.usefixtures("nothing_changes")
def test_a_bundle_over_the_limit_is_refused_and_leaves_nothing_behind(served, bundle):
    response = served.post("upload_bundle", _tar({**bundle, "large": bytes(MAX_BUNDLE_BYTES)}))
    assert response.status_code == 413
    assert str(MAX_BUNDLE_BYTES) in response.text


@pytest.mark.usefixtures("nothing_changes")
def test_the_pickle_of_a_bundle_that_was_not_uploaded_cannot_be_asked_for(served):
    response = served.add("forged", "f" * 64)
    assert (response.status_code, "deploy it again" in response.text) == (400, True), response.text
