"""Builds a virtual environment with uv."""

import asyncio
import os
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

import uv

from clipper_sls.adapters.engine.environment_choice import Recipe
from clipper_sls.adapters.engine.replica_process import signal_group
from clipper_sls.domain.identifiers import shortened
from clipper_sls.errors import EnvironmentBuildError

CONSTRAINTS_FILE = "constraints.txt"
_OUTPUT_LINES = 15
_OWN_PREFIX = "CLIPPER_SLS_"  # the engine's settings, its token among them, are no business of a package's build


async def build(recipe: Recipe, folder: Path, python: str, timeout_s: float) -> None:
    """Make `folder` a virtual environment with the recipe's packages; `python` is a path or a version.

    Raises EnvironmentBuildError with the end of uv's output; what is in `folder` then is of no use.
    """
    try:
        async with asyncio.timeout(timeout_s):
            await _uv(recipe, ("venv", "--quiet", "--clear", "--python", python, str(folder)), _no_python(recipe))
            if recipe.packages:
                target = ("--python", str(interpreter(folder)), *await _constraints(recipe, folder))
                await _uv(recipe, ("pip", "install", "--quiet", *target, "--", *recipe.packages), _no_packages(recipe))
    except TimeoutError as error:
        raise EnvironmentBuildError(
            f"Building an environment for {_packages(recipe)} took longer than {timeout_s:g} s and was given up. "
            f"Try again, since what was downloaded is kept; or raise CLIPPER_SLS_ENVIRONMENT_TIMEOUT_S."
        ) from error


async def _constraints(recipe: Recipe, folder: Path) -> Sequence[str]:
    if not recipe.constraints:
        return ()
    path = folder / CONSTRAINTS_FILE
    await asyncio.to_thread(path.write_text, "\n".join(recipe.constraints))
    return ("--constraint", str(path))


def interpreter(folder: Path) -> Path:
    """The Python of a virtual environment."""
    return folder / "bin" / "python"


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


async def _uv(recipe: Recipe, arguments: Sequence[str], advice: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OWN_PREFIX)}
    try:
        process = await asyncio.create_subprocess_exec(
            uv.find_uv_bin(),
            *arguments,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:  # uv's own FileNotFoundError included
        raise EnvironmentBuildError(
            f"The tool 'uv', which builds environments, cannot be started: {error}. Try: pip install uv"
        ) from error
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        signal_group(process.pid, signal.SIGKILL)
        await process.communicate()
        raise
    if process.returncode:
        end = "\n".join(output.decode(errors="replace").strip().splitlines()[-_OUTPUT_LINES:])
        raise EnvironmentBuildError(f"No environment could be built for {_packages(recipe)}. {advice}\n{end}")


def _packages(recipe: Recipe) -> str:
    return f"Python {recipe.python} with {shortened(', '.join(recipe.packages) or 'no packages', 300)}"


def _no_python(recipe: Recipe) -> str:
    return (
        f"Python {recipe.python} was not found and not downloaded: install it on this machine, or deploy the model, "
        f"or save it with MLflow, from the Python that the engine runs on. uv says:"
    )


def _no_packages(recipe: Recipe) -> str:
    return (
        "Check the names and versions in pkgs_to_install, and that the package index can be reached "
        "(UV_DEFAULT_INDEX sets another one). uv says:"
    )
