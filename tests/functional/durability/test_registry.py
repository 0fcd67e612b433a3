"""An acknowledged change is there after a SIGKILL, whenever it comes; one that was not is there whole or not at all."""

import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from clipper_sls.testing.engine import EngineUnderTest, embedded_engine

LONGEST_LIFE_S = 0.25
CHANGE_LIMIT_S = 10.0

Registered = dict[str, Any]


class Shadow:
    """What the registry should hold, by the changes that were acknowledged."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._number = 0
        self.apps: dict[str, list[str]] = {}  # name: linked models
        self.models: dict[str, list[str]] = {}  # name: versions
        self.current: dict[str, str] = {}

    def propose(self) -> tuple[str, dict[str, Any], Callable[[], None]]:
        """An endpoint, a body, and what is true once the change was made."""
        kinds: list[Callable[[], Any]] = [self._add_app, self._add_model]
        unlinked = [app for app, links in self.apps.items() if not links]
        linked = [app for app, links in self.apps.items() if links]
        if unlinked and self.models:
            kinds.append(lambda: self._link(self._chance.choice(unlinked), self._chance.choice([*self.models])))
        if linked:
            kinds.append(lambda: self._unlink(self._chance.choice(linked)))
        if self.apps:
            kinds.append(lambda: self._delete_app(self._chance.choice([*self.apps])))
        if self.models:
            kinds.append(lambda: self._switch(self._chance.choice([*self.models])))
        return self._chance.choice(kinds)()  # type: ignore[no-any-return]

    def _add_app(self) -> Any:
        self._number += 1
        name = f"app{self._number}"
        body = {"name": name, "input_type": "doubles", "default_output": "0", "latency_slo_micros": 1000}
        return "add_app", body, lambda: self.apps.update({name: []})

    def _delete_app(self, name: str) -> Any:
        return "delete_app", {"name": name}, lambda: self.apps.pop(name)

    def _add_model(self) -> Any:
        self._number += 1
        name, version = f"model{self._number % 3}", str(self._number)
        body = {
            "model_name": name,
            "model_version": version,
            "labels": [],
            "input_type": "doubles",
            "container_name": "NO_CONTAINER",
            "model_data_path": "-",
            "batch_size": 1,
        }

        def done() -> None:
            self.models.setdefault(name, []).append(version)
            self.current[name] = version

        return "add_model", body, done

    def _link(self, app: str, model: str) -> Any:
        return "add_model_links", {"app_name": app, "model_names": [model]}, lambda: self.apps[app].append(model)

    def _unlink(self, app: str) -> Any:
        return "delete_model_links", {"app_name": app, "model_names": self.apps[app]}, lambda: self.apps[app].clear()

    def _switch(self, model: str) -> Any:
        version = self._chance.choice(self.models[model])
        body = {"model_name": model, "model_version": version}
        return "set_model_version", body, lambda: self.current.update({model: version})

    def state(self) -> Registered:
        return {
            "apps": {name: list(links) for name, links in self.apps.items()},
            "models": {name: sorted(versions) for name, versions in self.models.items()},
            "current": dict(self.current),
        }


def _registered(client: httpx2.Client) -> Registered:
    apps = client.post("/admin/get_all_applications", json={"verbose": True}).json()
    models = client.post("/admin/get_all_models", json={"verbose": True}).json()
    versions: dict[str, list[str]] = {}
    for model in models:
        versions.setdefault(model["model_name"], []).append(model["model_version"])
    return {
        "apps": {app["name"]: app["linked_models"] for app in apps},
        "models": {name: sorted(found) for name, found in versions.items()},
        "current": {one["model_name"]: one["model_version"] for one in models if one["is_current_version"]},
    }


def _change_until_killed(engine: EngineUnderTest, shadow: Shadow, life_s: float) -> Callable[[], None]:
    """Change after change; returns what would be true if the last one, not acknowledged, was made all the same."""
    killer = threading.Timer(life_s, engine.process.kill)
    with httpx2.Client(base_url=engine.management, timeout=CHANGE_LIMIT_S, trust_env=False, verify=False) as client:
        killer.start()
        while True:
            endpoint, body, done = shadow.propose()
            try:
                response = client.post(f"/admin/{endpoint}", json=body)
            except httpx2.HTTPError:
                killer.join()
                engine.process.wait()
                return done
            assert response.status_code == 200, (endpoint, body, response.text)
            done()


def _rounds(state_dir: Path, seed: int, rounds: int) -> int:
    chance = random.Random(seed)
    shadow = Shadow(chance)
    in_flight: Callable[[], None] | None = None
    for number in range(rounds + 1):
        with embedded_engine(state_dir) as engine:
            with httpx2.Client(base_url=engine.management, trust_env=False, verify=False) as client:
                found = _registered(client)
            if found != shadow.state() and in_flight is not None:
                in_flight()
            assert found == shadow.state(), f"seed {seed}, after {number} kills"
            if number < rounds:
                in_flight = _change_until_killed(engine, shadow, chance.uniform(0, LONGEST_LIFE_S))
    return len(shadow.apps) + sum(map(len, shadow.models.values()))


def test_every_acknowledged_change_survives_kills_at_random_moments(state_dir: Path) -> None:
    assert _rounds(state_dir, seed=random.SystemRandom().randrange(2**32), rounds=6) > 0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_acknowledged_change_survives_many_kills(state_dir: Path) -> None:
    assert _rounds(state_dir, seed=random.SystemRandom().randrange(2**32), rounds=30) > 0
