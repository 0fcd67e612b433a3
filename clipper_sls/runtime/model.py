"""Loads the function of a verified bundle, and turns what can go wrong on the way into a sentence that helps."""

import logging
import pickle
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import cloudpickle

from clipper_sls.domain.bundle import CLOSURE_ENTRY, FUNCTION_FILE, MODULES_FOLDER, OBJECT_ENTRY, Manifest
from clipper_sls.domain.weights import MODEL, WEIGHTS_FOLDER, WeightsFormat, weights_format
from clipper_sls.errors import InvalidBundleError, ModelStartError
from clipper_sls.runtime.builtins import BUILTINS
from clipper_sls.runtime.served_object import SetUpError, set_up
from clipper_sls.runtime.weights import load_weights

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
    weights = weights_format(manifest.entry)
    if weights is None and manifest.entry not in (CLOSURE_ENTRY, OBJECT_ENTRY):
        known = ", ".join([CLOSURE_ENTRY, OBJECT_ENTRY, *BUILTINS, *(kind.entry for kind in WeightsFormat)])
        raise InvalidBundleError(f"The bundle's entry {manifest.entry!r} is unknown here; known are {known}")
    if sys.pycache_prefix is None:
        sys.dont_write_bytecode = True  # the bundle stays as its digest says
    sys.path.insert(0, str(folder / MODULES_FOLDER))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function = _loaded(folder, manifest, weights)
    for warning in caught:
        _log.warning("While the model was loaded: %s: %s", warning.category.__name__, warning.message)
    return function


def _loaded(folder: Path, manifest: Manifest, weights: WeightsFormat | None) -> Function:
    try:
        present = {} if weights is None else load_weights(weights, folder / WEIGHTS_FOLDER)
        if weights is not None and weights.holds_function:
            function = present[MODEL]
        else:
            with (folder / FUNCTION_FILE).open("rb") as file:
                function = _Unpickler(file, present).load()
        if manifest.entry == OBJECT_ENTRY:
            function = set_up(function).predict
    except ModuleNotFoundError as error:
        raise ModelStartError(missing_module(manifest, error)) from error
    except SetUpError as error:
        raise ModelStartError(f"{_named(manifest)}: {error}. Its traceback is in the log") from error
    except (Exception, SystemExit) as error:
        raise ModelStartError(_not_loaded(manifest, error)) from error
    if not callable(function):
        raise ModelStartError(
            f"The {FUNCTION_FILE} of {_named(manifest)} holds a {type(function).__name__}, no function"
        )
    loaded: Function = function
    return loaded


class _Unpickler(pickle.Unpickler):
    """The digest was checked, and running what is in the pickle is the purpose."""

    def __init__(self, file: IO[bytes], present: Mapping[str, Any]) -> None:
        super().__init__(file)
        self._present = present
        self._made: dict[str, Any] = {}

    def persistent_load(self, pid: Any) -> Any:
        """What is called `pid`; of a pair, what the name in it makes of the objects in it, the same each time."""
        if not isinstance(pid, tuple):
            return self._present[pid]
        name, given = pid
        if name not in self._made:
            self._made[name] = self._present[name](given)
        return self._made[name]


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
