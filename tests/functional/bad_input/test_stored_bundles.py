"""Bundles that somebody changed in the state directory while the engine was down: none of them runs, the others do."""

import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import httpx2
import pytest

from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.deployers.python import create_endpoint, deploy_python_closure
from clipper_sls.testing.engine import EngineUnderTest, embedded_engine

PATIENCE_S = 60.0
POLL_S = 0.05
SLO_MICROS = 30_000_000


def sums(inputs):
    return [sum(x) for x in inputs]


class Trap:
    """Its pickle makes a folder when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def _change_the_pickle(bundle: Path, trap: Path) -> None:
    (bundle / "func.pkl").write_bytes(pickle.dumps(Trap(trap)))


def _change_the_manifest_too(bundle: Path, trap: Path) -> None:
    _change_the_pickle(bundle, trap)
    content, manifest = (bundle / "func.pkl").read_bytes(), json.loads((bundle / "manifest.json").read_bytes())
    entry = {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
    (bundle / "manifest.json").write_text(json.dumps({**manifest, "files": {"func.pkl": entry}}))


def _put_a_link_in_its_place(bundle: Path, trap: Path) -> None:
    (bundle / "other.pkl").write_bytes(pickle.dumps(Trap(trap)))
    (bundle / "func.pkl").unlink()
    (bundle / "func.pkl").symlink_to("other.pkl")


def _add_a_module(bundle: Path, trap: Path) -> None:
    (bundle / "modules").mkdir()
    (bundle / "modules" / "cloudpickle.py").write_text(f"import os\nos.mkdir({str(trap)!r})\n")


def _break_the_manifest(bundle: Path, trap: Path) -> None:
    _change_the_pickle(bundle, trap)
    (bundle / "manifest.json").write_text("{")


def _remove_all(bundle: Path, trap: Path) -> None:
    shutil.rmtree(bundle)


CHANGED = "it was changed after it was deployed, and nothing of"
CRIMES: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "pickle": (_change_the_pickle, CHANGED),
    "manifest": (_change_the_manifest_too, CHANGED),
    "link": (_put_a_link_in_its_place, CHANGED),
    "module": (_add_a_module, "it was added after the model was deployed"),
    "broken": (_break_the_manifest, "manifest.json cannot be read"),
    "gone": (_remove_all, "deploy it again"),
}


@dataclass(frozen=True)
class Restarted:
    """An engine that found its bundles changed. A trap is a path that exists once the changed content has run."""

    engine: EngineUnderTest
    connection: ClipperConnection
    traps: Path

    def ask(self, name: str) -> dict[str, Any]:
        url = f"{self.engine.query}/{name}/predict"
        return httpx2.post(url, json={"input": [1.0, 2.0]}, timeout=PATIENCE_S, trust_env=False, verify=False).json()

    def pool(self, name: str) -> dict[str, Any]:
        (pool,) = self.connection.cm.management.get_replicas(name)
        return pool

    def until_given_up(self, name: str) -> None:
        nothing = Event()
        for _ in range(round(PATIENCE_S / POLL_S)):
            if self.pool(name)["health"] == "unhealthy":
                return
            nothing.wait(POLL_S)
        raise AssertionError("waited in vain")


def _connected(engine: EngineUnderTest) -> ClipperConnection:
    connection = ClipperConnection(LocalContainerManager(state_dir=engine.state_dir))
    connection.connect()
    return connection


def _fill(engine: EngineUnderTest) -> dict[str, Path]:
    """The bundle of each application."""
    connection, bundles = _connected(engine), {}
    for name in ("good", *CRIMES):
        create_endpoint(connection, name, "doubles", sums, "-1", slo_micros=SLO_MICROS)
        digest = connection.cm.management.get_model(name, "1")["bundle_digest"]
        bundles[name] = engine.state_dir / "bundles" / digest
    return bundles


@pytest.fixture(scope="module")
def restarted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restarted]:
    state_dir, traps = tmp_path_factory.mktemp("stored") / "state", tmp_path_factory.mktemp("traps")
    with embedded_engine(state_dir) as engine:
        bundles = _fill(engine)
        assert engine.stop() == 0
    for name, (commit, _) in CRIMES.items():
        commit(bundles[name], traps / name)
    with embedded_engine(state_dir) as engine:
        yield Restarted(engine, _connected(engine), traps)


def test_the_trap_works(tmp_path):
    pickle.loads(pickle.dumps(Trap(tmp_path / "sprung")))
    assert (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", CRIMES)
def test_a_changed_bundle_does_not_run_and_its_callers_get_the_default(restarted, name):
    restarted.until_given_up(name)
    answer = restarted.ask(name)
    assert (answer["default"], answer["output"], answer["default_reason"]) == (True, -1, "no_replica")
    assert not (restarted.traps / name).exists()


@pytest.mark.parametrize("name", CRIMES)
def test_the_operator_is_told_why(restarted, name):
    restarted.until_given_up(name)
    assert CRIMES[name][1] in restarted.pool(name)["last_error"]
    readiness = httpx2.get(f"{restarted.engine.query}/readyz", trust_env=False, verify=False)
    assert readiness.status_code == 200
    assert readiness.json()["unwell"][f"{name}:1"] == "unhealthy"


def test_the_other_versions_serve(restarted):
    assert restarted.ask("good")["output"] == 3
    readiness = httpx2.get(f"{restarted.engine.query}/readyz", trust_env=False, verify=False)
    assert "good:1" not in readiness.json()["unwell"]


@pytest.mark.parametrize("name", ["pickle", "module", "gone"])
def test_deploying_it_again_heals_it(restarted, name):
    before = restarted.connection.cm.management.get_model(name, "1")["bundle_digest"]
    restarted.connection.cm.management.delete_versioned_model(name, "1")
    deploy_python_closure(restarted.connection, name, 1, "doubles", sums)
    assert restarted.connection.cm.management.get_model(name, "1")["bundle_digest"] == before
    assert restarted.ask(name)["output"] == 3
    assert not (restarted.traps / name).exists()
