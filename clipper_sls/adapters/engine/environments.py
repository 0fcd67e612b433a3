"""The Python that a model version runs on: the engine's own, or a virtual environment, built once per recipe.

`<folder>/<key>` is complete when it holds the marker file, which is written last; a build that was cut off is done
anew.
"""

import asyncio
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from site import getsitepackages

import clipper_sls
from clipper_sls.adapters.engine import environment_build
from clipper_sls.adapters.engine.environment_choice import Recipe, recipe_for
from clipper_sls.adapters.engine.interpreters import Interpreter
from clipper_sls.adapters.engine.process_environment import passed_on
from clipper_sls.domain.bundle import Manifest
from clipper_sls.domain.lock import locked_packages
from clipper_sls.domain.trust import Trust
from clipper_sls.errors import EnvironmentBuildError, InvalidBundleError
from clipper_sls.ports.bundle_store import BundleStore

_MARKER = ".complete"
_BYTECODE = "bytecode"
"""Folder where the first replica leaves what it compiled for the next ones. Compiling all packages when they are
installed takes longer than the start that it saves: of scikit-learn 10 s for 4 s on two cores."""

HOST_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


class Environments:
    def __init__(
        self,
        *,
        bundles: BundleStore,
        folder: Path,
        runtime_path: Path,
        runtime_requirements: Sequence[str],
        timeout_s: float,
        trust: Callable[[], Trust],
    ) -> None:
        self._bundles = bundles
        self._trust = trust
        self._folder = folder
        self._runtime_path = runtime_path
        self._runtime_requirements = tuple(runtime_requirements)
        self._timeout_s = timeout_s
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def interpreter_for(self, manifest: Manifest) -> Interpreter:
        """An interpreter with all that the version needs; builds its environment first if it must.

        Raises EnvironmentBuildError; InvalidBundleError or BundleDigestError when the bundle's lock is damaged. Two
        versions with equal needs wait for one build.
        """
        recipe = recipe_for(
            manifest,
            locked=await asyncio.to_thread(self._locked, manifest),
            host_python=HOST_PYTHON,
            installed_version=_installed_version,
            runtime_requirements=self._runtime_requirements,
        )
        variables = {**passed_on(os.environ), **(await asyncio.to_thread(self._trust)).variables}
        if recipe is None:
            return Interpreter(Path(sys.executable), host_python_path(), variables)
        async with self._locks[recipe.key]:
            folder = await self._built(recipe)
        kept = {"PYTHONPYCACHEPREFIX": str(folder / _BYTECODE)}
        return Interpreter(environment_build.interpreter(folder), str(self._runtime_path), {**variables, **kept})

    def _locked(self, manifest: Manifest) -> Sequence[str]:
        folder = self._bundles.path(manifest.digest)
        try:
            return locked_packages(manifest, lambda path: (folder / path).read_bytes())
        except OSError as error:
            raise InvalidBundleError(
                f"The bundle in {folder} cannot be read: {error}; deploy the model again"
            ) from error

    async def _built(self, recipe: Recipe) -> Path:
        folder = self._folder / recipe.key
        marker = folder / _MARKER
        if await asyncio.to_thread(marker.exists):
            return folder
        python = sys.executable if recipe.python == HOST_PYTHON else recipe.python
        try:
            await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
            await environment_build.build(recipe, folder, python, self._timeout_s)
            await asyncio.to_thread(marker.touch)
        except BaseException as error:
            environment_build.remove(folder)
            if isinstance(error, OSError):
                raise EnvironmentBuildError(f"No environment could be built in {self._folder}: {error}") from error
            raise
        return folder


def _installed_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def host_python_path() -> str | None:
    """Where clipper_sls was imported from, unless every process of this interpreter finds it there."""
    parent = Path(clipper_sls.__file__).resolve().parent.parent
    is_installed = any(parent == Path(folder).resolve() for folder in getsitepackages())
    return None if is_installed else str(parent)
