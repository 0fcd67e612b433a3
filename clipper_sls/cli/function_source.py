"""From `MODULE:FUNCTION` to the function."""

import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

from clipper_sls.errors import InvalidSettingError
from clipper_sls.packaging.object_check import Served


def load_function(source: str) -> Served:
    """Import the module, as `python -m` would from the working directory, and take what is named after the colon.

    `train:models.predict` reaches into a class or an object; an object with a `predict` will do as well. Raises
    InvalidSettingError, with the end of the traceback when the module raised.
    """
    module_name, colon, path = source.partition(":")
    if not (module_name and colon and path):
        raise InvalidSettingError(f"'{source}' is not MODULE:FUNCTION, such as train:predict")
    module_name = module_name.removesuffix(".py").replace("/", ".")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    found = _import(module_name)
    for name in path.split("."):
        found = _attribute(found, name, source)
    if not callable(found) and not hasattr(found, "predict"):
        raise InvalidSettingError(
            f"{source} is {type(found).__name__}, which cannot be called and has no predict. Name a function"
        )
    return found  # type: ignore[no-any-return]


def _import(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and name.startswith(error.name):
            raise InvalidSettingError(
                f"There is no module '{error.name}' in {Path.cwd()} or on Python's path"
            ) from None
        raise InvalidSettingError(f"Importing {name} failed:\n{_own_traceback(error)}") from None
    except Exception as error:
        raise InvalidSettingError(f"Importing {name} failed:\n{_own_traceback(error)}") from None


def _own_traceback(error: Exception) -> str:
    """Without the frames of this file and of the import system, which are not the user's."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename != __file__ and "importlib" not in frame.filename
    ]
    lines = [*traceback.format_list(frames), *traceback.format_exception_only(error)]
    return "".join(lines).rstrip()


def _attribute(found: Any, name: str, source: str) -> Any:
    try:
        return getattr(found, name)
    except AttributeError:
        names = ", ".join(sorted(one for one in vars(found) if callable(getattr(found, one)) and one[0] != "_")[:8])
        raise InvalidSettingError(f"There is no '{name}' in {source.partition(':')[0]}; there is: {names}") from None
