"""What is built and from what: a scikit-learn model in several versions, a base, wheels in a folder, a registry."""

import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipper_sls.bootstrap.images import image_context
from clipper_sls.domain.image.building import ImageContext
from clipper_sls.domain.image.references import Reference
from clipper_sls.packaging.bundling import bundle_closure
from clipper_sls.packaging.signing import Signer
from clipper_sls.testing.docker_engine import DockerEngineUnderTest, docker_engine
from clipper_sls.testing.docker_registry import DockerRegistryUnderTest, docker_registry
from clipper_sls.testing.images import only_wheels_in
from clipper_sls.testing.python_base import PLATFORM, push_python_base
from clipper_sls.testing.wheel_index import only_wheels_over_http

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Stage:
    folder: Path
    base: Reference
    wheels: Path
    variables: dict[str, str]  # with which uv and pip find the wheels, and nothing else
    registry: DockerRegistryUnderTest
    engine: DockerEngineUnderTest
    tell: Tell

    def context(self, number: int, function: Callable[[Any], Any]) -> ImageContext:
        """Version `number` of a model, with other code than any other version's; packages are all the same."""
        bundle = self.folder / f"{function.__name__}-{number}"
        if not bundle.exists():

            def predict(inputs: Any) -> Any:
                return function(inputs) if number >= 0 else None

            bundle_closure(predict, name="bench", version=str(number), input_type="doubles", destination=bundle)
        signer = Signer(self.folder / "key.pem").sign(bundle)
        return image_context(bundle, str(self.base), str(PLATFORM), self.folder / "runtime", signer)


def digits(inputs: Any) -> Any:
    """What is deployed for the closure of scikit-learn: importing is what counts."""
    from sklearn.preprocessing import normalize

    return normalize(inputs).sum(axis=1)


def sums(inputs: Any) -> Any:
    """A model that needs nothing."""
    return [float(sum(row)) for row in inputs]


@contextmanager
def set_up(tell: Tell, set_variables: Callable[[dict[str, str]], object]) -> Iterator[Stage]:
    """Needs a minute. `set_variables` puts variables into this process' environment, which uv and pip read."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="clipper-sls-bench-")))
        registry = opened.enter_context(docker_registry(folder / "registry"))
        engine = opened.enter_context(docker_engine())
        tell("making a base of this Python")
        base = push_python_base(Reference.parse(f"{registry.host}/python:1"), folder / "base")
        engine.pull(str(base))
        wheels = folder / "wheels"
        over_http = opened.enter_context(only_wheels_over_http(wheels))
        stage = Stage(folder, base, wheels, {}, registry, engine, tell)
        tell("fetching wheels")
        _fetch(stage.context(0, digits), wheels)
        stage.variables.update(only_wheels_in(wheels), **over_http)
        set_variables(stage.variables)
        yield stage


def _fetch(context: ImageContext, wheels: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "-qq", "--only-binary", ":all:", "--dest", str(wheels)]
    machine = platform.machine()
    for tag in ("manylinux_2_28", "manylinux_2_27", "manylinux_2_24", "manylinux_2_17", "manylinux2014"):
        command += ["--platform", f"{tag}_{machine}"]  # what images are for; this machine may have newer ones
    constraints = wheels.with_name("constraints.txt")
    constraints.write_text("\n".join(context.constraints))
    for packages in (context.packages, context.server.packages):
        subprocess.run([*command, "--constraint", str(constraints), "--", *packages], check=True)
