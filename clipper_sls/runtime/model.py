"""Loads the function of a verified bundle, and turns what can go wrong on the way into a sentence that helps."""

import logging
import pickle
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle

from clipper_sls.domain.bundle import CLOSURE_ENTRY, FUNCTION_FILE, MODULES_FOLDER, Manifest
from clipper_sls.errors import InvalidBundleError, ModelStartError
from clipper_sls.runtime.builtins import BUILTINS

Function = Callable[[Any], Any]
"""What the user deployed: takes the inputs of a batch, returns one output per input."""

_log = logging.getLogger(__name__)


def load_function(folder: Path, manifest: Manifest) -> Function:
    """The function that `manifest` names; call only after the bundle was verified.

    Raises ModelStartError when loading fails, with the module that is missing if one is; InvalidBundleError when the
    entry is none that this release knows.
    """
    if manifest.entry in BUILTINS:
        return BUILTINS[manifest.entry]
    if manifest.entry != CLOSURE_ENTRY:
        known = ", ".join([CLOSURE_ENTRY, *BUILTINS])
        raise InvalidBundleError(f"The bundle's entry {manifest.entry!r} is unknown here; known are {known}")
    sys.dont_write_bytecode = True  # the bundle stays as its digest says
    sys.path.insert(0, str(folder / MODULES_FOLDER))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function = _unpickled(folder / FUNCTION_FILE, manifest)
    for warning in caught:
        _log.warning("While the model was loaded: %s: %s", warning.category.__name__, warning.message)
    return function


def _unpickled(path: Path, manifest: Manifest) -> Function:
    try:
        with path.open("rb") as file:
            function = pickle.load(file)  # noqa: S301 - the digest was checked, and running it is the purpose
    except ModuleNotFoundError as error:
        raise ModelStartError(missing_module(manifest, error)) from error
    except (Exception, SystemExit) as error:
        raise ModelStartError(_not_loaded(manifest, error)) from error
    if not callable(function):
        raise ModelStartError(
            f"The {FUNCTION_FILE} of {_named(manifest)} holds a {type(function).__name__}, no function"
        )
    loaded: Function = function
    return loaded


def missing_module(manifest: Manifest, error: ModuleNotFoundError) -> str:
    """What is missing, and how to deploy again with it."""
    package = (error.name or "").partition(".")[0]
    return (
        f"{_named(manifest)} needs the module {error.name!r}, which is not installed where the model runs. "
        f"Deploy it again with pkgs_to_install=[{package!r}], or the name of the package that holds this module."
    )


def _not_loaded(manifest: Manifest, error: BaseException) -> str:
    hint = "Deploy it again from an environment whose packages are those of the model."
    if manifest.cloudpickle != cloudpickle.__version__:
        hint = f"It was pickled by cloudpickle {manifest.cloudpickle}; here is {cloudpickle.__version__}. {hint}"
    return f"The function of {_named(manifest)} could not be loaded: {type(error).__name__}: {error}. {hint}"


def _named(manifest: Manifest) -> str:
    return f"Model {manifest.name}:{manifest.version}"
